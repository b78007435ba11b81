import { EventingError } from '@sluice/errors'
import { z } from 'zod'
import { byKind, type Known, written } from '../delta.ts'
import { isSourceRole, SOURCE_ROLES, type SourceRole } from '../interest.ts'
import type { Delta } from '../rows.ts'
import { problemsOf, readDelta } from '../schema.ts'
import type { SourceNews } from '../sources/line.ts'
import { type SourceCall, sourceCall, sourceNews } from '../sources/line-schema.ts'

/** Docs: adr/0008-services-apart.md. */
export const PROTOCOL = 1
export const WATCH_PATH = `/contract/v${PROTOCOL}/watch`
export const ACKNOWLEDGE_PATH = `/contract/v${PROTOCOL}/acknowledge`
export const ANSWER_PATH = `/contract/v${PROTOCOL}/answer`
export const SOURCES_PATH = `/contract/v${PROTOCOL}/sources`
export const SNAPSHOT_PATH = `/contract/v${PROTOCOL}/snapshot`
export const STREAM_TYPE = 'application/x-ndjson'

/** What a replica is believed without a word from it. */
export const LEASE_MS = 10_000
/** The server's word in a quiet watch, and the reader's renewals: three may get lost within a lease. */
export const HEARTBEAT_MS = 3_000
/** A server that is silent for this long is given up and connected to anew. */
export const SILENCE_MS = 10_000
/** For the first byte of an answer. */
export const ANSWER_MS = 5_000

/** A reader's hashes: 100,000 rows or more. */
export const MAX_HELLO_BYTES = 32 * 1024 * 1024
/** A delta with every row: 100,000 triggers or more. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024
export const MAX_REPLICAS = 1024

/** Who has not answered by then is named. */
export const QUESTION_MS = 2_000
/** Asked at once. */
export const MAX_QUESTIONS = 16
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024
/** What a service of sources says or is told at once: a put of 1 MiB, however it is escaped; 100,000 rows held. */
export const MAX_SOURCES_BYTES = 8 * 1024 * 1024
/** Of one replica for them; what is asked beyond waits there. */
export const SOURCE_CONNECTIONS = 4

/** What becomes of events; Ready needs one live replica of each that the server was told to expect. */
export type RoutingRole = 'ingress' | 'filter' | 'dispatcher'
/** What follows a contract. A service of sources is nothing else, and has one role. */
export type Role = RoutingRole | SourceRole

/** Who follows, and what it holds. `instance` is new with each process. */
export interface Hello {
  readonly roles: readonly Role[]
  readonly replica: string
  readonly instance: string
  /** 0 where it holds nothing. */
  readonly epoch: number
  readonly revision: number
  readonly known: Known
}

/** Renews the lease. `revision`: on disk and in force in every role, of this epoch; absent before the first. */
export interface Acknowledgement {
  readonly instance: string
  readonly epoch: number
  readonly revision?: number
  /** Ends the lease at once. */
  readonly leaving?: boolean
}

/** What the server wants to know of every replica. */
export interface Question {
  readonly id: string
  readonly topic: string
  readonly about?: unknown
}

/** `problem`: why there is none. */
export interface Answer {
  readonly instance: string
  readonly id: string
  readonly answer?: unknown
  readonly problem?: string
}

/** Rows of a delta that is on its way; in force with the delta that follows. */
export type Part = Pick<Delta, 'put' | 'removed'>

export type Message =
  | { readonly type: 'heartbeat' }
  | ({ readonly type: 'part' } & Part)
  | ({ readonly type: 'delta' } & Delta)
  | ({ readonly type: 'question' } & Question)
  | ({ readonly type: 'sources' } & SourceNews)

const name = z.string().min(1).max(253)
const count = z.int().min(0)
const hashes = z.record(z.string().min(1).max(253), z.string().max(64))
const hello = z.strictObject({
  roles: z
    .array(z.enum(['ingress', 'filter', 'dispatcher', ...SOURCE_ROLES]))
    .min(1)
    .max(3)
    .refine((roles) => roles.length === 1 || !roles.some(isSourceRole), 'a service of sources has that role alone'),
  replica: name,
  instance: name,
  epoch: count,
  revision: count,
  known: z.strictObject({
    logs: hashes,
    ingresses: hashes,
    routes: hashes,
    deliveries: hashes,
    sources: hashes.default({}),
  }),
})
const acknowledgement = z.strictObject({
  instance: name,
  epoch: count,
  revision: z.exactOptional(count),
  leaving: z.exactOptional(z.boolean()),
})

const question = z.strictObject({ id: name, topic: name, about: z.exactOptional(z.unknown()) })
const answer = z.strictObject({
  instance: name,
  id: name,
  answer: z.exactOptional(z.unknown()),
  problem: z.exactOptional(z.string().max(1_000)),
})

export function writeHello({ known, ...rest }: Hello): string {
  // a server of before there were sources takes none
  const told = Object.entries(known).filter(([kind, { size }]) => kind !== 'sources' || size > 0)
  const hashes = Object.fromEntries(told.map(([kind, rows]) => [kind, Object.fromEntries(rows)]))
  return JSON.stringify({ ...rest, known: hashes })
}

/** Throws CONTRACT_REQUEST_INVALID with every problem. */
export function readHello(body: unknown): Hello {
  const { known, ...rest } = checked(hello, body)
  const rows = (of: Readonly<Record<string, string>>) => new Map(Object.entries(of))
  return { ...rest, known: byKind((kind) => rows(known[kind])) }
}

/** One line of a watch, without its newline. */
export function writeMessage(message: Message): string {
  return JSON.stringify(message.type === 'part' || message.type === 'delta' ? written(message) : message)
}

/** Throws CONTRACT_REQUEST_INVALID with every problem. */
export function readAcknowledgement(body: unknown): Acknowledgement {
  return checked(acknowledgement, body)
}

/** Throws CONTRACT_REQUEST_INVALID with every problem. */
export function readAnswer(body: unknown): Answer {
  return checked(answer, body)
}

/** Throws CONTRACT_REQUEST_INVALID with every problem. */
export function readSourceCall(body: unknown): SourceCall {
  return checked(sourceCall, body)
}

/** Throws CONTRACT_REQUEST_INVALID for what this version does not know: a row half understood is worse than an old one. */
export function readMessage(value: unknown): Message {
  const { type, ...rest } = (value ?? {}) as { type?: unknown }
  if (type === 'heartbeat') return { type }
  if (type === 'question') return { type, ...checked(question, rest) }
  if (type === 'sources') return { type, ...checked(sourceNews, rest) }
  if (type === 'part') {
    const { put, removed } = deltaOf({ epoch: 0, revision: 0, ...rest })
    return { type, put, removed }
  }
  if (type !== 'delta') throw invalid([`type: ${JSON.stringify(type)} is not a message of this protocol`])
  return { type, ...deltaOf(rest) }
}

function deltaOf(value: unknown): Delta {
  const read = readDelta(value)
  if ('problems' in read) throw invalid(read.problems)
  return read.delta
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const read = schema.safeParse(value)
  if (!read.success) throw invalid(problemsOf(read.error))
  return read.data
}

const SHOWN_PROBLEMS = 10

export function invalid(problems: readonly string[]): EventingError {
  const problem = problems.slice(0, SHOWN_PROBLEMS).join('; ')
  return new EventingError({ code: 'CONTRACT_REQUEST_INVALID', problem }, problem)
}

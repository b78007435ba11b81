import { createHash } from 'node:crypto'
import type { CloudEvent } from '@sluice/cloudevents'

/** What can happen to an event, and what is kept of each. Never data, headers, credentials or queries of addresses. */
export interface Facts {
  /** Stored by an ingress, at `position` of the broker's log, by the routes of `revision`. */
  readonly accepted: { readonly ingress: string; readonly revision: number; readonly position: string }
  /** Judged by the filter: names of the triggers it matched, the first hundred, and how many more. */
  readonly judged: { readonly triggers: readonly string[]; readonly more?: number }
  /** Parked by the filter, under the broker. */
  readonly unjudged: { readonly reason: string }
  /** One request, or an end without one, and how the hand-out ended. */
  readonly attempt: {
    readonly trigger: string
    readonly to: 'subscriber' | 'dead-letter'
    readonly attempt: number
    readonly outcome: string
    /** The request and, where there is one, storing its reply. */
    readonly durationMs?: number
    readonly status?: number
    readonly dest?: string
    /** Id of the reply that was stored. */
    readonly replyId?: string
    /** Why it is parked. */
    readonly reason?: string
  }
}

export type What = keyof Facts

/** One line of a journal, read back. `at` is ISO 8601. */
export type JournalRecord = {
  readonly [W in What]: { readonly at: string; readonly what: W; readonly source: string } & Facts[W]
}[What]

/**
 * Takes what happened. Never throws, never waits. `queues`: the queue channel of the broker, which names it. `atMs`:
 * when, default now.
 */
export interface Journal {
  record<W extends What>(what: W, queues: string, event: CloudEvent, facts: Facts[W], atMs?: number): void
}

/** What comes first of what happened in the same millisecond. */
const ORDER: readonly What[] = ['accepted', 'judged', 'unjudged', 'attempt']
const MAX_KEY_CHARACTERS = 1_024
const MAX_DEST_CHARACTERS = 512

/** How an id or source is kept: as it is, or, beyond 1,024 characters, its beginning and its SHA-256. */
export function keyOf(text: string): string {
  if (text.length <= MAX_KEY_CHARACTERS) return text
  return `${text.slice(0, 64)}…sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** The bytes that every line of this id has, and no other line: quotes in values are escaped. */
export function needleOf(id: string): Buffer {
  return Buffer.from(`{"i":${JSON.stringify(keyOf(id))},"s":`)
}

export function lineOf(atMs: number, what: What, queues: string, event: CloudEvent, facts: object): string {
  const { attributes } = event
  const [id, source] = [textOf(attributes.get('id')), textOf(attributes.get('source'))]
  const rest = JSON.stringify(facts)
  return `{"i":${id},"s":${source},"t":${atMs},"w":"${what}","c":${JSON.stringify(queues)},"f":${rest}}\n`
}

/** Undefined for a line that is torn, or is not of this version. */
export function readLine(line: string): { readonly queues: string; readonly record: JournalRecord } | undefined {
  try {
    const { s, t, w, c, f } = JSON.parse(line)
    if (typeof s !== 'string' || typeof c !== 'string') return undefined
    return { queues: c, record: { at: new Date(t).toISOString(), what: w, source: s, ...f } }
  } catch {
    return undefined
  }
}

/** By time. Stable: what one process wrote in one millisecond keeps its order. */
export function byTime(a: JournalRecord, b: JournalRecord): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return ORDER.indexOf(a.what) - ORDER.indexOf(b.what)
}

/** An address without credentials, query and fragment, at most 512 characters. */
export function destOf(address: string): string {
  if (!/[@?#]/.test(address)) return address.slice(0, MAX_DEST_CHARACTERS)
  const url = URL.parse(address)
  return url === null ? '' : `${url.origin}${url.pathname}`.slice(0, MAX_DEST_CHARACTERS)
}

function textOf(value: unknown): string {
  return JSON.stringify(keyOf(String(value ?? '')))
}

import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { problemsOf } from '../../schema.ts'
import type { SourceQuestion } from '../line.ts'
import { type KeptReport, sourceReport } from '../source-report.ts'
import type { SourceRow } from '../source-row.ts'
import type { StateLimits } from '../state/limits.ts'
import type { StateReply, StateRequest } from '../state/requests.ts'
import type { SecretReader } from './secret-reader.ts'

export interface AnswersDeps {
  readonly clock: Clock
  readonly limits: StateLimits
  readonly ask: (request: StateRequest) => Promise<StateReply>
  readonly secrets: SecretReader
  /** The newest that was given. */
  readonly lastTerm: (uid: string) => number | undefined
  readonly reported: (uid: string, report: KeptReport) => void
  readonly evicted: (row: SourceRow) => void
}

/**
 * Answers what a replica asks about a row of its own. Rejects with SOURCE_NOT_HELD, SOURCE_SECRET_MISSING,
 * SOURCE_STATE_TOO_LARGE, SOURCE_STATE_UNAVAILABLE, and CONTRACT_REQUEST_INVALID beyond a limit.
 */
export async function answerAbout(row: SourceRow, question: SourceQuestion, deps: AnswersDeps): Promise<unknown> {
  const { limits, clock } = deps
  switch (question.op) {
    case 'get':
      return value(row, await deps.ask(question))
    case 'list': {
      check(question.limit >= 1, 'limit: must be 1 or more')
      return value(row, await deps.ask(question))
    }
    case 'put':
      checkPut(question.changes, limits)
      return value(row, await deps.ask(question))
    case 'report': {
      const read = sourceReport.safeParse(question.report)
      if (!read.success) throw invalid(problemsOf(read.error).slice(0, 10).join('; '))
      const { uid, term, hash } = question
      const kept = { hash, report: read.data }
      const report = JSON.stringify(kept)
      check(bytesOf(report) <= limits.reportBytes, `report: is larger than ${limits.reportBytes} bytes`)
      value(row, await deps.ask({ op: 'report', uid, term, report }))
      deps.reported(uid, kept)
      return undefined
    }
    case 'remember': {
      const { uid, key, value: kept, ttlMs } = question
      check(bytesOf(key) <= limits.keyBytes, `key: is longer than ${limits.keyBytes} bytes`)
      check(bytesOf(kept) <= limits.rememberedBytes, `value: is larger than ${limits.rememberedBytes} bytes`)
      check(ttlMs > 0 && ttlMs <= limits.longestTtlMs, `ttlMs: must be 1 to ${limits.longestTtlMs}`)
      const now = Math.floor(clock.now())
      const reply = await deps.ask({ op: 'remember', uid, key, value: kept, now, until: now + Math.ceil(ttlMs) })
      const there = value(row, reply) as { value: string; hasEvicted: boolean }
      if (there.hasEvicted) deps.evicted(row)
      return there.value
    }
    case 'read': {
      const term = deps.lastTerm(row.uid)
      return term === undefined ? undefined : value(row, await deps.ask({ ...question, op: 'get', term }))
    }
    case 'secret':
      return secret(row, question.name, deps.secrets)
  }
}

async function secret(row: SourceRow, name: string, secrets: SecretReader): Promise<string> {
  const reference = row.secrets?.[name]
  const source = `${row.namespace}/${row.name}`
  if (reference === undefined) {
    const detail = { code: 'SOURCE_SECRET_MISSING', source, secret: name, reason: 'not named by the source' } as const
    throw new EventingError(detail, `${row.kind} ${source} names no Secret as ${name}`)
  }
  const given = await secrets.read(reference)
  if (given !== undefined) return given
  const { namespace, name: of, key } = reference
  const secret = `${namespace}/${of}`
  const hasSecret = secrets.version(reference) !== undefined
  const reason = hasSecret ? `it has no key ${key}` : 'it does not exist'
  throw new EventingError(
    { code: 'SOURCE_SECRET_MISSING', source, secret: `${secret}/${key}`, reason },
    hasSecret ? `Secret ${secret} has no key ${key}` : `there is no Secret ${secret}, whose key ${key} is needed`,
  )
}

function value(row: SourceRow, reply: StateReply): unknown {
  if (reply.ok) return reply.value
  const source = `${row.namespace}/${row.name}`
  if (reply.refused === 'term') {
    const message = `${row.kind} ${source} was given to another replica`
    throw new EventingError({ code: 'SOURCE_NOT_HELD', source }, message)
  }
  const { bytes, maxBytes } = reply
  const message = `${row.kind} ${source} would keep ${bytes} bytes, and may keep ${maxBytes}`
  throw new EventingError({ code: 'SOURCE_STATE_TOO_LARGE', source, bytes, maxBytes }, message)
}

function checkPut(changes: Extract<SourceQuestion, { op: 'put' }>['changes'], limits: StateLimits): void {
  check(changes.length <= limits.putKeys, `changes: more than ${limits.putKeys} keys`)
  let bytes = 0
  for (const [key, kept] of changes) {
    const [ofKey, ofValue] = [bytesOf(key), kept === null ? 0 : bytesOf(kept)]
    check(ofKey >= 1 && ofKey <= limits.keyBytes, `changes: a key is empty or longer than ${limits.keyBytes} bytes`)
    check(ofValue <= limits.valueBytes, `changes: a value is larger than ${limits.valueBytes} bytes`)
    bytes += ofKey + ofValue
  }
  check(bytes <= limits.putBytes, `changes: are larger than ${limits.putBytes} bytes together`)
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw invalid(problem)
}

function invalid(problem: string): EventingError {
  return new EventingError({ code: 'CONTRACT_REQUEST_INVALID', problem }, problem)
}

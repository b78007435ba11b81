import { z } from 'zod'
import { ROW_KINDS } from './delta.ts'
import { filter } from './filter-schema.ts'
import { count, named, target, text } from './row-parts.ts'
import type { Contract, Delta, Row, Rows } from './rows.ts'
import { anySourceRow } from './sources/any-source-row.ts'

const host = text.max(253).refine((value) => value === value.toLowerCase(), 'must be in lower case')

export const logRow = z.strictObject({
  ...named,
  // absent in copies of before there were channels
  kind: z.enum(['broker', 'channel']).default('broker'),
  driver: z.exactOptional(text),
  channel: text,
  queues: text,
  lanes: z.int().min(1).max(64),
  orderKey: text,
  retention: z.strictObject({ maxAgeMs: count, maxBytes: count }),
  backend: z.exactOptional(
    z.strictObject({
      name: z.exactOptional(text),
      isExternal: z.exactOptional(z.boolean()),
      replicas: z.exactOptional(z.int().min(1)),
    }),
  ),
  formerTriggers: z.exactOptional(z.array(z.strictObject({ queue: text, name: text, goneAt: count }))),
  goneAt: z.exactOptional(count),
})

const rowsShape = {
  logs: z.array(logRow),
  ingresses: z.array(
    z.strictObject({ ...named, path: z.string().startsWith('/'), host: z.exactOptional(host), log: text }),
  ),
  routes: z.array(
    z.strictObject({
      ...named,
      log: text,
      filter,
      delivery: text,
      since: count,
    }),
  ),
  deliveries: z.array(
    z.strictObject({
      ...named,
      channel: text,
      subscriber: target,
      replyLog: z.exactOptional(text),
      reply: z.exactOptional(target),
      deadLetterSink: z.exactOptional(target),
      spec: z.strictObject({
        retry: count,
        backoffPolicy: z.enum(['linear', 'exponential']),
        backoffDelayMs: count,
        timeoutMs: z.int().min(1),
        retryAfterMaxMs: z.exactOptional(count),
        backoffMaxMs: z.exactOptional(z.int().min(1)),
        format: z.exactOptional(z.enum(['json', 'binary'])),
      }),
      maxInFlight: z.int().min(1),
      order: z.exactOptional(z.enum(['key', 'lane'])),
      ratePerSecond: z.exactOptional(z.number().positive()),
      suspend: z.exactOptional(z.literal(true)),
      dedupWindowMs: z.exactOptional(z.int().min(1)),
      backlogMaxBytes: z.int().min(1),
      strictReplies: z.boolean(),
    }),
  ),
  // absent where there are none: who wrote it may know of none
  sources: z.array(anySourceRow).default([]),
}
const contract = z.strictObject({
  epoch: count.default(1),
  revision: count.default(1),
  routingRevision: z.exactOptional(count),
  ...rowsShape,
})
const uids = z.array(text)
const delta = z.strictObject({
  epoch: count,
  revision: count,
  put: z.strictObject(rowsShape),
  removed: z.strictObject({ logs: uids, ingresses: uids, routes: uids, deliveries: uids, sources: uids.default([]) }),
})

/** A contract as read from a file: the document, or every problem as `path: problem`. Hashes may be absent. */
export function readContract(value: unknown): { contract: Contract } | { problems: readonly string[] } {
  const read = contract.safeParse(value)
  if (!read.success) return { problems: problemsOf(read.error) }
  const problems = inconsistencies(read.data)
  return problems.length > 0 ? { problems } : { contract: read.data }
}

/** The same for one that this code wrote: what refers to a row that is not there waits for it. */
export function readWrittenContract(value: unknown): { contract: Contract } | { problems: readonly string[] } {
  const read = contract.safeParse(value)
  if (!read.success) return { problems: problemsOf(read.error) }
  const problems = [...repeated(read.data)]
  return problems.length > 0 ? { problems } : { contract: read.data }
}

/** A delta as it came over the wire: rows that are known whole and nothing else, or every problem. */
export function readDelta(value: unknown): { delta: Delta } | { problems: readonly string[] } {
  const read = delta.safeParse(value)
  return read.success ? { delta: read.data } : { problems: problemsOf(read.error) }
}

/** Uids that are there twice, and references to rows that are not there. */
export function inconsistencies(rows: Rows): readonly string[] {
  return [...repeated(rows), ...dangling(rows)]
}

/** Each issue as `path: problem`. */
export function problemsOf(error: z.ZodError): readonly string[] {
  return error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`)
}

function* repeated(rows: Rows): Iterable<string> {
  for (const kind of ROW_KINDS) {
    const seen = new Set<string>()
    for (const [i, { uid }] of (rows[kind] as readonly Row[]).entries()) {
      if (seen.has(uid)) yield `${kind}[${i}].uid: ${JSON.stringify(uid)} is there twice`
      seen.add(uid)
    }
  }
}

function* dangling(rows: Rows): Iterable<string> {
  const logs = new Set(rows.logs.map((row) => row.uid))
  const queues = new Set(rows.logs.map((row) => row.queues))
  const deliveries = new Set(rows.deliveries.map((row) => row.uid))
  const missing = (path: string, name: string, what: string) => `${path}: no ${what} ${JSON.stringify(name)}`
  for (const [i, row] of rows.ingresses.entries())
    if (!logs.has(row.log)) yield missing(`ingresses[${i}].log`, row.log, 'log with the uid')
  for (const [i, row] of rows.routes.entries()) {
    if (!logs.has(row.log)) yield missing(`routes[${i}].log`, row.log, 'log with the uid')
    if (!deliveries.has(row.delivery)) yield missing(`routes[${i}].delivery`, row.delivery, 'delivery with the uid')
  }
  for (const [i, row] of rows.deliveries.entries()) {
    if (!queues.has(row.channel)) yield missing(`deliveries[${i}].channel`, row.channel, 'log with the queues')
    if (row.replyLog !== undefined && !logs.has(row.replyLog))
      yield missing(`deliveries[${i}].replyLog`, row.replyLog, 'log with the uid')
    if (row.replyLog !== undefined && row.reply !== undefined)
      yield `deliveries[${i}].reply: there is a replyLog already; a reply goes to one place`
  }
}

function pathOf(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
  return steps.join('').replace(/^\./, '') || '(document)'
}

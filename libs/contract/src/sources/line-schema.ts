import { z } from 'zod'
import type { SourceNews, SourceQuestion } from './line.ts'
import { sourceReport } from './source-report.ts'

const uid = z.string().min(1).max(253)
const instance = z.string().min(1).max(253)
const term = z.int().min(0)
const text = z.string()
const held = z.array(z.tuple([uid, term]))

/** What the server tells services of sources in their watch. */
export const sourceNews = z.strictObject({
  all: z.boolean(),
  hold: held,
  drop: z.array(uid),
  secrets: z.array(z.tuple([uid, text])),
  place: z.exactOptional(z.strictObject({ rank: z.int().min(0), of: z.int().min(1) })),
}) satisfies z.ZodType<SourceNews>

const question = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('get'), uid, term, key: text }),
  z.strictObject({ op: z.literal('list'), uid, term, prefix: text, limit: z.int(), after: z.exactOptional(text) }),
  z.strictObject({ op: z.literal('put'), uid, term, changes: z.array(z.tuple([text, text.nullable()])) }),
  z.strictObject({ op: z.literal('report'), uid, term, hash: text.max(64), report: sourceReport }),
  z.strictObject({ op: z.literal('remember'), uid, key: text, value: text, ttlMs: z.number() }),
  z.strictObject({ op: z.literal('secret'), uid, name: text }),
  z.strictObject({ op: z.literal('read'), uid, key: text }),
]) satisfies z.ZodType<SourceQuestion>

/** What a service of sources says or asks, by `say`; each is a request of its own. */
export const sourceCall = z.discriminatedUnion('say', [
  z.strictObject({ say: z.literal('enlist'), instance, held }),
  z.strictObject({ say: z.literal('resign'), instance }),
  z.strictObject({ say: z.literal('released'), instance, uid, term }),
  z.strictObject({ say: z.literal('ask'), instance, question }),
])
export type SourceCall = z.infer<typeof sourceCall>

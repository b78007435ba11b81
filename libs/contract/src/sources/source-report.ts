import { z } from 'zod'
import type { SourceReport } from './source-desk.ts'

const name = z.string().min(1).max(100)

const condition = z.strictObject({
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.exactOptional(z.string().max(200)),
  message: z.exactOptional(z.string().max(1_000)),
})

const few = (most: number) => (all: object) => Object.keys(all).length <= most

/** At most 16 conditions and 32 facts. */
export const sourceReport = z.strictObject({
  conditions: z.record(name, condition).refine(few(16), 'more than 16 conditions'),
  facts: z.exactOptional(z.record(name, z.string().max(1_000)).refine(few(32), 'more than 32 facts')),
}) satisfies z.ZodType<SourceReport>

/** What was said, and of which state of the row. */
export interface KeptReport {
  readonly hash: string
  readonly report: SourceReport
}

const keptReport = z.strictObject({ hash: z.string().max(64), report: sourceReport })

/** What was kept; undefined where it is not of this version. */
export function readReport(text: string): KeptReport | undefined {
  try {
    return keptReport.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

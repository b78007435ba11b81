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

/** What was kept; undefined where it is not of this version. */
export function readReport(text: string): SourceReport | undefined {
  try {
    return sourceReport.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

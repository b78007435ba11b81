import { z } from 'zod'
import { named, target, text } from '../row-parts.ts'

export const secretReference = z.strictObject({ namespace: text, name: text, key: text })

/** What the rows of all source kinds have; secrets by the names in `names`. */
export function sourceFields<N extends string>(names: readonly N[]) {
  return {
    ...named,
    target,
    ceOverrides: z.exactOptional(z.record(text, z.string())),
    secrets: z.exactOptional(z.partialRecord(z.enum(names), secretReference)),
  }
}

import type { Explanation as Part } from '@sluice/cesql'

/** A part of a CESQL expression and what it yields by itself. */
export interface ExplainedPart {
  /** Cut at 256 characters. */
  readonly text: string
  readonly value: string | number | boolean
  readonly error?: string
  /** The whole was decided without it. */
  readonly isNeeded: boolean
  readonly parts?: readonly ExplainedPart[]
}

/** Enough for any expression that a person writes. */
const MAX_PARTS = 200

/** The parts but for literals, which are what they say; at most 200, those that come first in the text. */
export function explainedParts(parts: readonly Part[], budget = { left: MAX_PARTS }): readonly ExplainedPart[] {
  return parts
    .filter(({ kind }) => kind !== 'literal')
    .flatMap((part) => {
      if (budget.left <= 0) return []
      budget.left -= 1
      const { text, error, reached } = part
      const value = typeof part.value === 'string' ? part.value.slice(0, 256) : part.value
      const inner = explainedParts(part.parts, budget)
      return [
        { text, value, ...(error !== null && { error }), isNeeded: reached, ...(inner.length > 0 && { parts: inner }) },
      ]
    })
}

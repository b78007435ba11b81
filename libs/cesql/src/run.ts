import type { Evaluation, EvaluationError, Expression, Value } from './expression.ts'

/** Characters that one evaluation may look at, so that none takes longer than some tens of milliseconds. */
export const MAX_WORK = 4_194_304
/** Comparisons and casts of texts up to here are not counted: they are bounded by the expression's length. */
export const SHORT = 1_024

/** Attributes by their lower-case names; undefined for what the event does not carry. A Map is one. */
export interface Attributes {
  get(name: string): Value | undefined
}

const REQUIRED: ReadonlySet<string> = new Set(['id', 'source', 'specversion', 'type'])
export const NO_ATTRIBUTES: Attributes = { get: () => undefined }

/** What one evaluation knows: the event, the first error, and what it may still spend. */
export class Run {
  attributes: Attributes = NO_ATTRIBUTES
  error: EvaluationError | null = null
  /** Characters that may still be looked at. */
  left = MAX_WORK
  /** Where somebody wants to know what each expression came to, those that were evaluated. */
  trace: Map<Expression, Evaluation> | undefined = undefined

  begin(attributes: Attributes): void {
    this.attributes = attributes
    this.error = null
    this.left = MAX_WORK
  }

  /** Notes the error, unless there is one, and answers the value: what an operator yields that failed. */
  fail<T extends Value>(error: EvaluationError, value: T): T {
    this.error ??= error
    return value
  }

  /** False, and the evaluation has failed, when so many characters are more than may still be looked at. */
  spend(characters: number): boolean {
    this.left -= characters
    if (this.left >= 0) return true
    this.error ??= 'generic'
    return false
  }

  spendOnText(length: number): boolean {
    return length <= SHORT || this.spend(length)
  }

  attribute(name: string): Value {
    const value: unknown = this.attributes.get(name)
    if (typeof value === 'string' || typeof value === 'boolean') return value
    if (value === undefined || value === null) return this.fail('missingAttribute', false)
    // What CloudEvents has no type for: fractions, numbers beyond 32 bits, objects
    if (typeof value !== 'number' || (value | 0) !== value) return this.fail('generic', false)
    return value | 0
  }

  /** Attributes that every event has exist, whether they are given or not. */
  exists(name: string): boolean {
    return REQUIRED.has(name) || (this.attributes.get(name) ?? null) !== null
  }
}

/** What a field makes of a value: `{ value }`, or the words that finish the sentence `NAME: "value" …`. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string }

/** One environment variable: its name, what it means, and how to read it. */
export interface Field<T> {
  readonly name: string
  /** One line for the README's table. */
  readonly meaning: string
  readonly isRequired: boolean
  readonly fallback: T | undefined
  /** The fallback as a person would write it; undefined when there is none. */
  readonly fallbackText: string | undefined
  /** True: the value is never repeated in a message. */
  readonly isSecret: boolean
  readonly parse: (text: string) => Parsed<T>
}

/** A config as a record of fields, and what reading it gives. */
export type Shape = Readonly<Record<string, Field<unknown>>>
export type ConfigOf<S extends Shape> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never }

/** Without `fallback` the variable is required; `fallback: undefined` makes it optional. */
export interface FieldOptions<F> {
  readonly meaning: string
  readonly fallback?: F
}

export interface Bounds {
  readonly min: number
  readonly max: number
}

/** Builds a field from its parser; `write` is the inverse, for tables. */
export function field<T, F extends T | undefined>(
  name: string,
  options: FieldOptions<F> & { readonly isSecret?: boolean },
  parse: (text: string) => Parsed<T>,
  write: (value: T) => string = String,
): Field<T | F> {
  const { fallback } = options
  return {
    name,
    meaning: options.meaning,
    isRequired: !('fallback' in options),
    fallback,
    fallbackText: fallback === undefined ? undefined : write(fallback as T),
    isSecret: options.isSecret ?? false,
    parse,
  }
}

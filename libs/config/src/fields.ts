import { type Bounds, type Field, type FieldOptions, field, type Parsed } from './field.ts'

const MAX_TEXT_LENGTH = 4096
const DURATION_UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])
const BYTE_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
])

/** A whole number, `min` and `max` included. */
export function integer<F extends number | undefined = number>(
  name: string,
  options: Bounds & FieldOptions<F>,
): Field<number | F> {
  const expected = `is not a whole number from ${options.min} to ${options.max}`
  return field<number, F>(name, options, (text) => bounded(text, new Map([['', 1]]), options, expected))
}

/** A TCP port; 0 lets the system choose a free one. */
export function port<F extends number | undefined = number>(name: string, options: FieldOptions<F>): Field<number | F> {
  return integer(name, { ...options, min: 0, max: 65_535 })
}

/** A TCP port, or `off`, which reads as undefined. */
export function portOrOff(name: string, options: FieldOptions<number | undefined>): Field<number | undefined> {
  const numeric = port(name, options)
  const isOff = !numeric.isRequired && numeric.fallback === undefined
  return {
    ...numeric,
    fallbackText: isOff ? 'off' : numeric.fallbackText,
    parse(text) {
      if (text === 'off') return { value: undefined }
      const parsed = numeric.parse(text)
      return 'problem' in parsed ? { problem: `${parsed.problem} and not "off"` } : parsed
    },
  }
}

/** A time span read as milliseconds: a plain number is milliseconds; `ms`, `s`, `m` and `h` may follow. */
export function durationMs<F extends number | undefined = number>(
  name: string,
  options: Bounds & FieldOptions<F>,
): Field<number | F> {
  const expected = `is not a time from ${options.min} to ${options.max} ms, such as 8000, 500ms or 8s`
  return field<number, F>(name, options, (text) => bounded(text, DURATION_UNITS_MS, options, expected))
}

/** A size read as bytes: `1048576`, `64Ki`, `1Mi`, `2Gi`, or decimal `k`, `M`, `G`. */
export function bytes<F extends number | undefined = number>(
  name: string,
  options: Bounds & FieldOptions<F>,
): Field<number | F> {
  const expected = `is not a size from ${options.min} to ${options.max} bytes, such as 1048576, 64Ki or 1Mi`
  return field<number, F>(name, options, (text) => bounded(text, BYTE_UNITS, options, expected), binary)
}

/** Any text of at most 4096 characters; one that is `isSecret` appears in no message. */
export function text<F extends string | undefined = string>(
  name: string,
  options: FieldOptions<F> & { readonly isSecret?: boolean },
): Field<string | F> {
  return field<string, F>(name, options, (value) =>
    value.length > MAX_TEXT_LENGTH ? { problem: `is longer than ${MAX_TEXT_LENGTH} characters` } : { value },
  )
}

/** Scheme, host and port of an HTTP server, without a slash at the end: `http://events.example:8080`. */
export function originUrl<F extends string | undefined = string>(
  name: string,
  options: FieldOptions<F>,
): Field<string | F> {
  return field<string, F>(name, options, (text) => {
    const url = URL.parse(text)
    const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
    return isOrigin && text.length <= MAX_TEXT_LENGTH
      ? { value: url.origin }
      : {
          problem:
            'is not an http or https URL without path, query and credentials, such as http://events.example:8080',
        }
  })
}

/** One of a few words, spelled exactly so. */
export function oneOf<const V extends string, const F extends V | undefined = V>(
  name: string,
  values: readonly V[],
  options: FieldOptions<F>,
): Field<V | F> {
  return field<V, F>(name, options, (text) => {
    const value = values.find((candidate) => candidate === text)
    return value === undefined ? { problem: `is not one of ${values.join(', ')}` } : { value }
  })
}

/** `true` or `false`. */
export function boolean<F extends boolean | undefined = boolean>(
  name: string,
  options: FieldOptions<F>,
): Field<boolean | F> {
  return field<boolean, F>(name, options, (text) =>
    text === 'true' || text === 'false' ? { value: text === 'true' } : { problem: 'is not true or false' },
  )
}

/** 65536 as 64Ki, 1000 as it is. */
function binary(value: number): string {
  const unit = ['Gi', 'Mi', 'Ki'].find((name) => value > 0 && value % (BYTE_UNITS.get(name) ?? 1) === 0)
  return unit === undefined ? String(value) : `${value / (BYTE_UNITS.get(unit) ?? 1)}${unit}`
}

function bounded(
  text: string,
  units: ReadonlyMap<string, number>,
  { min, max }: Bounds,
  expected: string,
): Parsed<number> {
  const [, digits, unit] = /^(-?\d{1,16})([A-Za-z]*)$/.exec(text) ?? []
  const factor = units.get(unit ?? '')
  const value = Number(digits) * (factor ?? Number.NaN)
  return value >= min && value <= max ? { value } : { problem: expected }
}

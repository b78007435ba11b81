export interface Bounds {
  readonly called: string
  readonly min: number
  readonly max: number
  /** Of the values from `min` on, in lower case. */
  readonly names?: readonly string[]
}

/** `isAny`: it says nothing of its own, so the other of the two fields of days decides. */
export interface Field {
  readonly values: readonly number[]
  readonly isAny: boolean
}

type Read = Field | { readonly problem: string }

/** Ranges between commas: `*`, `?`, `N`, `N-M`, each with a step, where `N/step` goes on to the end. */
export function readField(text: string, bounds: Bounds): Read {
  const values = new Set<number>()
  let isAny = false
  for (const range of text.split(',')) {
    const read = readRange(range, bounds)
    if ('problem' in read) return { problem: `${read.problem} in the ${bounds.called} ${JSON.stringify(text)}` }
    for (const value of read.values) values.add(value)
    isAny ||= read.isAny
  }
  return { values: [...values].sort((a, b) => a - b), isAny }
}

function readRange(text: string, bounds: Bounds): Read {
  const [span = '', by, ...steps] = text.split('/')
  const [low = '', high, ...ends] = span.split('-')
  if (steps.length > 0) return { problem: 'more than one "/"' }
  if (ends.length > 0) return { problem: 'more than one "-"' }
  const step = by === undefined ? 1 : whole(by)
  if (step === undefined || step === 0) return { problem: 'a step that is no number above 0' }
  const isStar = low === '*' || low === '?'
  if (isStar && high !== undefined) return { problem: `"-" after "${low}"` }
  const from = isStar ? bounds.min : numberOf(low, bounds)
  const to = isStar || (high === undefined && by !== undefined) ? bounds.max : numberOf(high ?? low, bounds)
  if (from === undefined || to === undefined)
    return {
      problem: `${JSON.stringify(from === undefined ? low : (high ?? low))} is not from ${bounds.min} to ${bounds.max}`,
    }
  if (from > to) return { problem: `a range from ${from} to ${to}` }
  const values = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
  return { values, isAny: isStar && step === 1 }
}

function numberOf(text: string, { min, max, names = [] }: Bounds): number | undefined {
  const named = names.indexOf(text.toLowerCase())
  const value = named === -1 ? whole(text) : named + min
  return value === undefined || value < min || value > max ? undefined : value
}

function whole(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined
}

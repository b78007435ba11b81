import type { CloudEvent } from '@sluice/cloudevents'
import { type Clause, type Explanation, evaluated, MAX_WAYS, UNCONDITIONAL, type Way } from './clause.ts'

/** Met when all are; none: always. */
export function every(dialect: Explanation['dialect'], place: string, clauses: readonly Clause[]): Clause {
  const [only] = clauses
  const meets =
    clauses.length === 1 && only !== undefined
      ? only.meets
      : (event: CloudEvent) => clauses.every((clause) => clause.meets(event))
  return {
    meets,
    explain: (event) => {
      const parts = clauses.map((clause) => clause.explain(event))
      return { clause: place, dialect, matches: parts.every(({ matches }) => matches), clauses: parts }
    },
    ways: clauses.reduce(both, [UNCONDITIONAL]),
  }
}

/** Met when one is. */
export function some(place: string, clauses: readonly Clause[]): Clause {
  const whole = evaluated({
    meets: (event) => clauses.some((clause) => clause.meets(event)),
    explain: (event) => {
      const parts = clauses.map((clause) => clause.explain(event))
      return { clause: place, dialect: 'any', matches: parts.some(({ matches }) => matches), clauses: parts }
    },
  })
  const ways = clauses.flatMap((clause) => clause.ways)
  // One way that no look-up can rule out, and all are evaluated anyway
  const isIndexed = ways.length <= MAX_WAYS && ways.every(({ exact }) => exact.size > 0)
  return isIndexed ? { ...whole, ways } : whole
}

/** Met when the other is not. */
export function inverse(place: string, clause: Clause): Clause {
  return evaluated({
    meets: (event) => !clause.meets(event),
    explain: (event) => {
      const part = clause.explain(event)
      return { clause: place, dialect: 'not', matches: !part.matches, clauses: [part] }
    },
  })
}

/** The ways that go one of these and one of the clause's; where they would be too many the clause is evaluated. */
function both(ways: readonly Way[], clause: Clause): readonly Way[] {
  if (ways.length * clause.ways.length > MAX_WAYS)
    return ways.map(({ exact, rest }) => ({ exact, rest: [...rest, clause] }))
  return ways.flatMap((one) => clause.ways.flatMap((other) => joined(one, other) ?? []))
}

/** Undefined when no event could go both: one attribute would need two texts. */
function joined(one: Way, other: Way): Way | undefined {
  for (const [name, text] of other.exact) if ((one.exact.get(name) ?? text) !== text) return undefined
  return { exact: new Map([...one.exact, ...other.exact]), rest: [...one.rest, ...other.rest] }
}

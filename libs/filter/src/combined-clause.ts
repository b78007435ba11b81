import type { CloudEvent } from '@sluice/cloudevents'
import { type Clause, type Explanation, evaluated, MAX_WAYS, type Way } from './clause.ts'

/** Met when all are; none: always. */
export function every(dialect: Explanation['dialect'], place: string, clauses: readonly Clause[]): Clause {
  const [only] = clauses
  const meets =
    clauses.length === 1 && only !== undefined
      ? only.meets
      : (event: CloudEvent) => clauses.every((clause) => clause.meets(event))
  return {
    meets,
    refutes: (event) => clauses.some((clause) => clause.refutes(event)),
    explain: (event) => {
      const parts = clauses.map((clause) => clause.explain(event))
      return { clause: place, dialect, matches: parts.every(({ matches }) => matches), clauses: parts }
    },
    ways: waysOfAll(clauses),
  }
}

/** Met when one is. */
export function some(place: string, clauses: readonly Clause[]): Clause {
  const whole = evaluated({
    meets: (event) => clauses.some((clause) => clause.meets(event)),
    refutes: (event) => clauses.every((clause) => clause.refutes(event)),
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

/** Met when the other is evaluated and is not: a failure inside never lets an event through. */
export function inverse(place: string, clause: Clause): Clause {
  return evaluated({
    meets: clause.refutes,
    refutes: clause.meets,
    explain: (event) => {
      const part = clause.explain(event)
      return { clause: place, dialect: 'not', matches: isRefuted(part), clauses: [part] }
    },
  })
}

/** `Clause.refutes`, of what was explained. */
function isRefuted({ dialect, matches, error, clauses }: Explanation): boolean {
  if (matches || error !== undefined) return false
  if (clauses === undefined) return true
  if (dialect === 'not') return clauses.some((inner) => inner.matches)
  return dialect === 'any' ? clauses.every(isRefuted) : clauses.some(isRefuted)
}

interface Draft extends Way {
  readonly exact: Map<string, string>
  readonly rest: Clause[]
}

/** The ways that go one way of each; a clause that would make them too many is evaluated. */
function waysOfAll(clauses: readonly Clause[]): readonly Way[] {
  let drafts: Draft[] = [{ exact: new Map(), rest: [] }]
  for (const clause of clauses) {
    const [first, ...others] = clause.ways
    if (drafts.length * clause.ways.length > MAX_WAYS) for (const { rest } of drafts) rest.push(clause)
    // In place: thousands of clauses would make copies that grow with each
    else if (first !== undefined && others.length === 0) drafts = drafts.filter((draft) => isJoined(draft, first))
    else drafts = drafts.flatMap((draft) => clause.ways.flatMap((way) => joined(draft, way) ?? []))
  }
  return drafts
}

function joined({ exact, rest }: Draft, way: Way): Draft | undefined {
  const copy = { exact: new Map(exact), rest: [...rest] }
  return isJoined(copy, way) ? copy : undefined
}

/** Adds the way to the draft; false when no event could go both, as one attribute would need two texts. */
function isJoined({ exact, rest }: Draft, way: Way): boolean {
  for (const [name, text] of way.exact) {
    if ((exact.get(name) ?? text) !== text) return false
    exact.set(name, text)
  }
  for (const clause of way.rest) rest.push(clause)
  return true
}

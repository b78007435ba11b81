import type { CloudEvent } from '@sluice/cloudevents'
import { type Clause, type Explanation, evaluated, shortened } from './clause.ts'
import { comparedText } from './compared-text.ts'

const COMPARE = {
  exact: (text: string, wanted: string) => text === wanted,
  prefix: (text: string, wanted: string) => text.startsWith(wanted),
  suffix: (text: string, wanted: string) => text.endsWith(wanted),
  /** Legacy `""`: any text but an empty one. */
  present: (text: string) => text !== '',
} as const

export type Comparison = keyof typeof COMPARE

/** One attribute compared with a text, case-sensitive; an event without it does not meet the clause. */
export function textClause(comparison: Comparison, place: string, attribute: string, expected: string): Clause {
  const agrees = COMPARE[comparison]
  const verdict = (text: string | undefined) => text !== undefined && agrees(text, expected)
  const meets = (event: CloudEvent) => verdict(comparedText(event, attribute))
  const refutes = (event: CloudEvent) => !meets(event)
  const explain = (event: CloudEvent): Explanation => {
    const text = comparedText(event, attribute)
    const actual = text === undefined ? null : shortened(text)
    const compared = { attribute, expected: shortened(expected), actual }
    return { clause: place, dialect: comparison, matches: verdict(text), ...compared }
  }
  if (comparison !== 'exact') return evaluated({ meets, refutes, explain })
  return { meets, refutes, explain, ways: [{ exact: new Map([[attribute, expected]]), rest: [] }] }
}

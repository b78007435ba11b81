import { describe, expect, test } from '@jest/globals'

const ROOT = new URL('../..', import.meta.url).pathname
interface Case {
  readonly id: string
  readonly level: string
  readonly origin: string
  readonly text: string
}
interface Conformance {
  readonly GROUPS: readonly string[]
  readonly casesOf: (root: string) => readonly Case[]
  readonly decisionsOf: (root: string) => ReadonlyMap<string, { verdict: string; reason: string }>
  readonly titlesOf: (root: string) => ReadonlyMap<string, readonly { file: string; title: string }[]>
}
const { GROUPS, casesOf, decisionsOf, titlesOf } = (await import(
  `${ROOT}tools/generate/conformance.mjs`
)) as Conformance
const cases = casesOf(ROOT)
const decisions = decisionsOf(ROOT)
const titles = titlesOf(ROOT)
const isOfGroups = ({ id }: Case) => GROUPS.includes(id.slice(0, 3))

describe('the cases', () => {
  test('each has an id of its own, a level, an origin and a sentence', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(232)
    for (const { id, level, origin, text } of cases) {
      expect([id, level, origin, text]).toEqual([
        expect.stringMatching(/^[A-Z]{3}-\d\d$/),
        expect.stringMatching(/^(MUST|SHOULD)( NOT)?$|^MAY$/),
        expect.stringMatching(/\S/),
        expect.stringMatching(/^\S.*\.$/),
      ])
    }
  })

  test.each(GROUPS)('of group %s each has a test that names it, or a reason why there is none yet', (group) => {
    const without = cases.filter(isOfGroups).filter(({ id }) => id.startsWith(group) && !titles.has(id))
    expect(without.filter(({ id }) => decisions.get(id)?.verdict !== 'open').map(({ id }) => id)).toEqual([])
  })

  test('decided differently is what a test shows; open is what none does', () => {
    for (const [id, { verdict, reason }] of decisions) {
      expect([id, verdict]).toEqual([id, expect.stringMatching(/^(differs|open)$/)])
      expect([id, titles.has(id)]).toEqual([id, verdict === 'differs'])
      expect([id, reason]).toEqual([id, expect.stringMatching(/\S+ \S+.*\.$/)])
    }
  })

  test('a title names only cases that there are', () => {
    const known = new Set(cases.map(({ id }) => id))
    const unknown = [...titles].filter(([id]) => !known.has(id))
    expect(unknown.map(([id, [first]]) => [id, first?.file])).toEqual([])
    expect([...decisions.keys()].filter((id) => !known.has(id))).toEqual([])
  })
})

import { describe, expect, test } from '@jest/globals'
import type { AttributeValue } from '@sluice/cloudevents'
import type { FilterSpec } from '@sluice/contract'
import { eventOf } from '../test/sample-filters.ts'
import { explain } from './explain.ts'

const reason = (spec: FilterSpec, attributes: Record<string, AttributeValue> = {}) =>
  explain(eventOf(attributes), spec).reason

describe('explain', () => {
  test('it answers with every clause, its verdict, what it asks for and what the event has', () => {
    const spec = {
      filters: [{ exact: { type: 'a.b' } }, { any: [{ prefix: { source: '/eu/' } }, { exact: { n: '5' } }] }],
    }
    expect(explain(eventOf({ n: 6 }), spec)).toEqual({
      matches: false,
      reason: expect.any(String),
      filter: {
        clause: 'spec.filters',
        dialect: 'filters',
        matches: false,
        clauses: [
          {
            clause: 'spec.filters[0].exact',
            dialect: 'exact',
            matches: true,
            clauses: [
              {
                ...{ clause: 'spec.filters[0].exact.type', dialect: 'exact', matches: true },
                ...{ attribute: 'type', expected: 'a.b', actual: 'a.b' },
              },
            ],
          },
          {
            clause: 'spec.filters[1].any',
            dialect: 'any',
            matches: false,
            clauses: [
              {
                ...{ clause: 'spec.filters[1].any[0].prefix', dialect: 'prefix', matches: false },
                clauses: [
                  {
                    ...{ clause: 'spec.filters[1].any[0].prefix.source', dialect: 'prefix', matches: false },
                    ...{ attribute: 'source', expected: '/eu/', actual: '/s' },
                  },
                ],
              },
              {
                ...{ clause: 'spec.filters[1].any[1].exact', dialect: 'exact', matches: false },
                clauses: [
                  {
                    ...{ clause: 'spec.filters[1].any[1].exact.n', dialect: 'exact', matches: false },
                    ...{ attribute: 'n', expected: '5', actual: '6' },
                  },
                ],
              },
            ],
          },
        ],
      },
    })
  })

  test('a match has no reason, and an absent filter is an empty list of attributes', () => {
    expect(explain(eventOf(), {})).toEqual({
      matches: true,
      filter: { clause: 'spec.filter.attributes', dialect: 'attributes', matches: true, clauses: [] },
    })
  })

  test.each<[FilterSpec, string]>([
    [{ attributes: { type: 'x' } }, 'spec.filter.attributes.type: asks for "x", found "a.b"'],
    [
      { attributes: { subject: '' } },
      'spec.filter.attributes.subject: asks for any text that is not empty, the event does not have it',
    ],
    [
      { filters: [{ exact: { type: 'a.b' } }, { suffix: { source: 'x' } }] },
      'spec.filters[1].suffix.source: asks for a text that ends with "x", found "/s"',
    ],
    [
      { filters: [{ all: [{ exact: { type: 'a.b' } }, { prefix: { subject: 'x' } }] }] },
      'spec.filters[0].all[1].prefix.subject: asks for a text that begins with "x", the event does not have it',
    ],
    [
      { filters: [{ any: [{ exact: { type: 'x' } }, { exact: { type: 'y' } }] }] },
      'spec.filters[0].any: none of its 2 clauses agrees; the first: spec.filters[0].any[0].exact.type: asks for "x", found "a.b"',
    ],
    [
      { filters: [{ any: [{ exact: { type: 'x' } }] }] },
      'spec.filters[0].any[0].exact.type: asks for "x", found "a.b"',
    ],
    [
      { filters: [{ not: { any: [{ exact: { type: 'x' } }, { exact: { type: 'a.b' } }] } }] },
      'spec.filters[0].not: the clause inside agrees: spec.filters[0].not.any[1].exact.type: asks for "a.b", found "a.b"',
    ],
    [
      { filters: [{ not: { not: { exact: { type: 'x' } } } }] },
      'spec.filters[0].not: the clause inside agrees: spec.filters[0].not.not.exact.type: asks for "x", found "a.b"',
    ],
    [
      { filters: [{ cesql: "type = 'x' OR source = 'y'" }] },
      `spec.filters[0].cesql: type = 'x' yields FALSE, type is "a.b"`,
    ],
    [
      { filters: [{ cesql: "source = '/s' AND NOT (subject = 'x')" }] },
      "spec.filters[0].cesql: subject = 'x' fails with missingAttribute, subject is not there",
    ],
    [
      { filters: [{ cesql: 'LENGTH(type) > LENGTH(source) + 5' }] },
      'spec.filters[0].cesql: LENGTH(type) > LENGTH(source) + 5 yields FALSE, type is "a.b", source is "/s"',
    ],
    [{ filters: [{ cesql: 'FALSE' }] }, 'spec.filters[0].cesql: FALSE yields FALSE'],
    [
      { filters: [{ not: { any: [{ exact: { type: 'x' } }, { cesql: "subject = 'x'" }] } }] },
      "spec.filters[0].not: the clause inside can't be evaluated: spec.filters[0].not.any[1].cesql: subject = 'x' fails with missingAttribute, subject is not there",
    ],
    [
      { filters: [{ not: { cesql: "type = 'a.b'" } }] },
      `spec.filters[0].not: the clause inside agrees: spec.filters[0].not.cesql: type = 'a.b' yields TRUE, type is "a.b"`,
    ],
  ])('the first clause that fails of %j, as one line', (spec, line) => {
    expect(reason(spec)).toBe(line)
  })

  test('of an expression it answers what each part yields, needed or not', () => {
    const { filter } = explain(eventOf(), { filters: [{ cesql: "type = 'x' AND subject = 'y'" }] })
    expect(filter?.clauses?.[0]).toEqual({
      ...{ clause: 'spec.filters[0].cesql', dialect: 'cesql', matches: false },
      ...{ expected: "type = 'x' AND subject = 'y'", actual: 'false' },
      parts: [
        {
          ...{ text: "type = 'x'", value: false, isNeeded: true },
          parts: [{ text: 'type', value: 'a.b', isNeeded: true }],
        },
        {
          ...{ text: "subject = 'y'", value: false, error: 'missingAttribute', isNeeded: false },
          parts: [{ text: 'subject', value: false, error: 'missingAttribute', isNeeded: false }],
        },
      ],
    })
  })

  test('of a huge expression it answers a part, and the verdict of the whole', () => {
    const cesql = Array.from({ length: 2_000 }, (_, i) => `type = 'x${i}'`).join(' OR ')
    const { filter, matches } = explain(eventOf(), { filters: [{ cesql: `${cesql} OR type = 'a.b'` }] })
    expect(matches).toBe(true)
    expect(JSON.stringify(filter).length).toBeLessThan(30_000)
  })

  test('long texts are cut, in the tree and more so in the line', () => {
    const { filter, reason } = explain(eventOf({ str: 'y'.repeat(5_000) }), { attributes: { str: 'x'.repeat(5_000) } })
    expect(reason?.length).toBeLessThan(400)
    const [leaf] = filter?.clauses ?? []
    expect(leaf).toMatchObject({ expected: `${'x'.repeat(256)}…`, actual: `${'y'.repeat(256)}…` })
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { AttributeValue } from '@sluice/cloudevents'
import { FILTER_DIALECTS, type FilterSpec } from '@sluice/contract'
import { explain, RouteIndex } from '@sluice/filter'
import { apiTable } from '@sluice/resources/api'
import { formatProblem, manifestParser } from '@sluice/resources/manifests'
import { triggerFilter } from '@sluice/resources/settings'
import { parsePage } from './docs/pages.ts'

const PATH = 'docs/reference/filters.md'
const BASE = { specversion: '1.0', id: '1', source: '/s', type: 't' }

const sections = readFileSync(new URL(`../${PATH}`, import.meta.url), 'utf8')
  .split(/\n(?=## )/)
  .map((text) => ({ title: /^## (.*)/.exec(text)?.[1]?.replaceAll('`', '') ?? '', ...parsePage(PATH, text) }))

const examples = sections.flatMap(({ title, fences, text }) => {
  const rows = [...text.matchAll(/^\| `(\{.*\})` \| (yes|no) \|$/gm)]
  const yaml = fences.find(({ language }) => language === 'yaml')?.text
  return rows.map(([, event, verdict]) => ({ title, yaml: yaml ?? '', event: event as string, verdict }))
})

function admitted(yaml: string): FilterSpec {
  const spec = yaml.trimEnd().replaceAll(/^/gm, '  ')
  const { objects, problems } = manifestParser(apiTable())(
    PATH,
    Buffer.from(`apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: t}
spec:
  broker: b
  subscriber: {uri: "http://sink/"}
${spec}
`),
  )
  expect(problems.map(formatProblem)).toEqual([])
  const read = triggerFilter(objects[0]?.object.spec as Record<string, unknown>)
  return 'value' in read ? read.value : {}
}

describe('the page of filters', () => {
  test('has an example of every dialect, with an event that matches and one that does not', () => {
    for (const title of [...FILTER_DIALECTS, 'filter.attributes', 'Nested']) {
      const verdicts = new Set(examples.filter((example) => example.title === title).map(({ verdict }) => verdict))
      expect([title, [...verdicts].sort()]).toEqual([title, ['no', 'yes']])
    }
  })

  test.each(examples)('$title: $event: $verdict', ({ yaml, event, verdict }) => {
    const filter = admitted(yaml)
    const attributes = new Map<string, AttributeValue>(Object.entries({ ...BASE, ...JSON.parse(event) }))
    const sample = { attributes, data: undefined, dataKind: undefined }
    const index = new RouteIndex()
    index.put({ uid: 'r', hash: '', namespace: 'n', name: 't', log: 'l', filter, delivery: 'd', since: 0 })
    expect(explain(sample, filter).matches ? 'yes' : 'no').toBe(verdict)
    expect(index.match(sample).length).toBe(verdict === 'yes' ? 1 : 0)
  })
})

import { describe, expect, test } from '@jest/globals'
import { decodeHttp } from '@sluice/cloudevents'
import { parseAllDocuments } from 'yaml'
import { helpText, readFlags } from './flags.ts'
import { median, percentiles } from './load/latencies.ts'
import { makePace } from './load/pace.ts'
import { EVENT_TYPE, jsonBody, requestHead, SENT_HEADER } from './load/request.ts'
import { manifestsWith } from './manifests.ts'
import { printable } from './report.ts'
import { summarise } from './results.ts'
import { judgeTargets } from './targets.ts'

const NONE = { embedded: [], nats: [], kafka: [] }

describe('bench', () => {
  test('an event of the generator is a valid one of the size asked, with seven attributes and its send time', () => {
    const url = 'http://127.0.0.1:8080/default/default'
    const lines = requestHead({ url, bodyBytes: 1024 })('id-1', 12.5).trimEnd().split('\r\n')
    expect(lines[0]).toBe('POST /default/default HTTP/1.1')
    const headers = Object.fromEntries(lines.slice(1).map((line) => line.split(/: (.*)/, 2) as [string, string]))
    expect(Object.keys(headers).filter((name) => name.startsWith('ce-') && name !== SENT_HEADER).length).toBe(7)
    expect(headers[SENT_HEADER]).toBe('12.500')
    expect(Buffer.byteLength(jsonBody(1024))).toBe(1024)
    const raw = Object.entries(headers).flat()
    const decoded = decodeHttp(raw, Buffer.from(jsonBody(1024)))
    expect(JSON.stringify(decoded, (_, value) => (value instanceof Map ? [...value] : value))).toContain(EVENT_TYPE)
  })

  test('a window never holds more than its size, even when an event arrives twice', () => {
    const pace = makePace({ kind: 'window', size: 2 })
    expect([pace.next(), pace.next(), pace.next()].map((at) => at !== undefined)).toEqual([true, true, false])
    for (let repeat = 0; repeat < 5; repeat += 1) pace.ended()
    expect([pace.next(), pace.next(), pace.next()].map((at) => at !== undefined)).toEqual([true, true, false])
  })

  test('a rate keeps its schedule however late it is asked, and never runs ahead of it', () => {
    const pace = makePace({ kind: 'rate', perSecond: 1e9 })
    const [first = 0, second = 0] = [pace.next(), pace.next()]
    expect(second - first).toBeCloseTo(1e-6)
    const slow = makePace({ kind: 'rate', perSecond: 1e-3 })
    expect([slow.next() !== undefined, slow.next()]).toEqual([true, undefined])
  })

  test('medians and percentiles are what they say', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5])
    expect(percentiles(Array.from({ length: 100 }, (_, n) => 100 - n))).toEqual({ p50: 51, p99: 100 })
    expect(percentiles([])).toEqual({ p50: 0, p99: 0 })
  })

  test('a target is judged within each repeat, the median counts, and it is left out when a side was not measured', () => {
    const runs = new Map([
      ['f1', [{ cpuUs: 10 }, { cpuUs: 14 }, { cpuUs: 500 }]],
      ['ingress-null', [{ cpuUs: 20 }, { cpuUs: 19 }, { cpuUs: 600 }]],
      ['standalone@half', [{ arrivalP99: 80 }]],
      ['disk', [{ fsyncP99: 9 }]],
    ])
    const { targets } = summarise(runs)
    expect(targets.map(({ what, met }) => [what, met])).toEqual([
      ['ingress, nothing stored: CPU', true],
      ['half load: p99, send to arrival', true],
    ])
    expect(targets[0]?.measured).toBeCloseTo(14 / 19)
    expect(targets[0]?.runs).toEqual([10 / 20, 14 / 19, 500 / 600])
    expect(
      judgeTargets([(name) => (name === 'standalone@half' ? 91 : name === 'disk' ? 9 : undefined)]),
    ).toContainEqual(expect.objectContaining({ what: 'half load: p99, send to arrival', met: false }))
  })

  test('the report shows every verdict and every median', () => {
    const about = { date: 'd', machine: 'm', node: 'n', commit: 'c', command: 'bench', repeats: 3, seconds: 1 }
    const runs = new Map([
      ['f1', [{ rate: 1000, cpuUs: 10 }]],
      ['ingress-null', [{ rate: 400, cpuUs: 25 }]],
      ['disk', [{ fsyncP50: 0.25 }]],
    ])
    const text = printable({ ...about, ...summarise(runs) })
    expect(text).toMatch(/ingress, nothing stored: CPU \| ≥ 0\.70 × F1 \| +0\.40 \| 0\.40 – 0\.40 \| \*\*no\*\*/)
    expect(text).toMatch(/\| ingress-null \| +400 \| +25\.0 \|/)
    expect(text).toContain('disk: fsyncP50 0.25')
  })

  test('an unknown case or flag is refused by name', () => {
    expect(() => readFlags(['--only', 'f1,f9'], { embedded: ['f1', 'f2'], nats: [], kafka: [] })).toThrow(
      'unknown f9; there are f1, f2',
    )
    expect(() => readFlags(['--fast'], NONE)).toThrow('--fast')
    expect(readFlags(['--help'], NONE)).toMatchObject({ help: true })
    const help = helpText({
      embedded: [{ name: 'f1', about: 'the floor' }],
      nats: [{ name: 'n1', about: 'the other' }],
      kafka: [],
    })
    for (const flag of ['--quick', '--only', '--json', '--profile', '--help', '  f1  the floor']) {
      expect(help).toContain(flag)
    }
    expect(() => readFlags(['--driver', 'rabbit'], NONE)).toThrow(
      '--driver: rabbit is not one of embedded, nats, kafka',
    )
    expect(() => readFlags(['--driver', 'kafka', '--readme'], NONE)).toThrow('--readme: it has no table of kafka')
    expect(readFlags(['--driver', 'nats', '--only', 'n1'], { ...NONE, nats: ['n1'] })).toMatchObject({
      driver: 'nats',
    })
    expect(readFlags(['--quick', '--only', 'f1'], { embedded: ['f1'], nats: [], kafka: [] })).toMatchObject({
      repeats: 1,
      only: ['f1'],
      quick: true,
    })
  })

  test('many triggers are one that matches and others that each match something else, in files that are not too large', () => {
    const files = Object.values(manifestsWith({ sinkUrl: 'http://127.0.0.1:1', others: 2_500 }))
    for (const file of files) expect(file.length).toBeLessThan(2 ** 20)
    const documents = files.flatMap((file) => parseAllDocuments(file)).map((document) => document.toJS())
    const types = documents.flatMap(({ kind, spec }) => (kind === 'Trigger' ? [spec.filter.attributes.type] : []))
    expect([types.length, types.filter((type) => type === EVENT_TYPE).length, new Set(types).size]).toEqual([
      2_501, 1, 2_501,
    ])
  })
})

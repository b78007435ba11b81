import { describe, expect, test } from '@jest/globals'
import type { FilterSpec, LogRow, RouteRow } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import { VirtualClock } from '@sluice/testkit'
import { LOG } from '../test/fake-log.ts'
import { routeOf } from '../test/sample-filters.ts'
import { explainRoute } from './explain-route.ts'

const BINARY = ['Host', 'x', 'ce-specversion', '1.0', 'ce-id', '1', 'ce-source', '/s', 'ce-type', 'a.b']

function setUp(
  routes: Record<string, FilterSpec>,
  logs: readonly LogRow[] = [LOG],
  waiting: readonly { name: string; reason: string }[] = [],
) {
  const rows: RouteRow[] = Object.entries(routes).map(([name, filter]) => ({ ...routeOf(name, filter), log: LOG.uid }))
  const clock = new VirtualClock()
  const route = explainRoute({
    clock,
    contract: () => ({ revision: 7, logs, routes: rows }),
    notInForce: () => waiting,
  })
  return async (question: { query?: string; rawHeaders?: readonly string[]; body?: string; broker?: string } = {}) => {
    const { query = '', rawHeaders = BINARY, body, broker = 'broker' } = question
    return route.answer({
      path: { namespace: 'ns', broker },
      query: new URLSearchParams(query),
      rawHeaders,
      body: body === undefined ? undefined : Buffer.from(body),
    })
  }
}

const failure = async (answer: Promise<unknown>) => {
  const error = await answer.catch((thrown: unknown) => thrown)
  return [(error as { detail?: { code: string } }).detail?.code, (error as Error).message]
}

describe('explain for a broker', () => {
  test('it answers for every trigger of that broker, by name, and for no other', async () => {
    const other = { ...LOG, uid: 'other', name: 'other' }
    const ask = setUp({ b: { attributes: { type: 'x' } }, a: { filters: [{ prefix: { type: 'a.' } }] } }, [LOG, other])
    expect(await ask()).toEqual({
      namespace: 'ns',
      broker: 'broker',
      revision: 7,
      triggers: [
        { name: 'a', matches: true, filter: expect.objectContaining({ matches: true }) },
        {
          name: 'b',
          matches: false,
          reason: 'spec.filter.attributes.type: asks for "x", found "a.b"',
          filter: expect.objectContaining({ matches: false }),
        },
      ],
    })
    expect(await ask({ broker: 'other' })).toMatchObject({ triggers: [] })
  })

  test('structured mode keeps the types that an expression sees', async () => {
    const ask = setUp({ t: { filters: [{ cesql: 'IS_INT(n) AND n = 5' }] } })
    const body = JSON.stringify({ specversion: '1.0', id: '1', source: '/s', type: 'a', n: 5 })
    const rawHeaders = ['Content-Type', 'application/cloudevents+json']
    expect(await ask({ rawHeaders, body })).toMatchObject({ triggers: [{ matches: true }] })
  })

  test('the event is judged as if it were accepted now, or when it says that it was', async () => {
    const ask = setUp({ t: { attributes: { knativearrivaltime: '' } } })
    expect(await ask()).toMatchObject({ triggers: [{ matches: true }] })
    const was = setUp({ t: { attributes: { knativearrivaltime: '2020' } } })
    expect(await was({ rawHeaders: [...BINARY, 'ce-knativearrivaltime', '2020'] })).toMatchObject({
      triggers: [{ matches: true }],
    })
  })

  test('a trigger that is not in force is among them, with what keeps it', async () => {
    const ask = setUp({ a: {}, c: {} }, [LOG], [{ name: 'b', reason: 'SubscriberResolved is False' }])
    const b = { name: 'b', matches: false, reason: 'not in force: SubscriberResolved is False' }
    const c = { name: 'c', matches: true, filter: expect.anything() }
    expect(await ask({ query: 'after=a' })).toMatchObject({ triggers: [b, c] })
    expect(await ask({ query: 'trigger=b' })).toMatchObject({ triggers: [b] })
  })

  test('a filter that can not be built says so, beside the others', async () => {
    const ask = setUp({ a: { filters: [{ exact: {} }] }, b: {} })
    expect(await ask()).toMatchObject({
      triggers: [
        { name: 'a', matches: false, reason: expect.stringContaining('the filter can not be built: spec.filters[0]') },
        { name: 'b', matches: true },
      ],
    })
  })

  test('one trigger by name; pages by limit, each naming where to go on', async () => {
    const ask = setUp({ a: {}, b: {}, c: {} })
    const names = async (query: string) => {
      const { triggers, next } = await ask({ query })
      return [...triggers.map(({ name }) => name), next]
    }
    expect(await names('trigger=b')).toEqual(['b', undefined])
    expect(await names('limit=2')).toEqual(['a', 'b', 'b'])
    expect(await names('limit=2&after=b')).toEqual(['c', undefined])
    expect(await names('limit=3')).toEqual(['a', 'b', 'c', undefined])
    expect(await names('after=c')).toEqual([undefined])
  })

  test('an answer is bounded in size, too, and one trigger is always answered', async () => {
    const all = Array.from({ length: 4_000 }, (_, i) => ({ exact: { [`n${i}`]: 'x'.repeat(256) } }))
    const ask = setUp(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`t${i}`, { filters: [{ all }] }])))
    const { triggers, next } = await ask()
    expect(triggers.length).toBeGreaterThanOrEqual(1)
    expect(triggers.length).toBeLessThan(9)
    expect(next).toBe(triggers.at(-1)?.name)
    expect(JSON.stringify(triggers).length).toBeLessThan(2 * 4_194_304)
  })

  test('what is refused, by code', async () => {
    const ask = setUp({ t: {} })
    expect(await failure(ask({ broker: 'nobody' }))).toEqual([
      'BROKER_UNKNOWN',
      'there is no broker ns/nobody in force',
    ])
    expect(await failure(ask({ query: 'trigger=x' }))).toEqual(['TRIGGER_UNKNOWN', 'this broker has no trigger ns/x'])
    expect(await failure(ask({ rawHeaders: [] }))).toEqual(['EVENT_INVALID', expect.any(String)])
    const batch = { rawHeaders: ['Content-Type', 'application/cloudevents-batch+json'], body: '[]' }
    expect(await failure(ask(batch))).toEqual(['EVENT_INVALID', expect.stringContaining('one event')])
    expect(await failure(ask({ query: 'limit=0' }))).toEqual(['QUERY_INVALID', expect.stringContaining('1 to 1000')])
    expect(await failure(ask({ query: 'limit=1&limit=2' }))).toEqual(['QUERY_INVALID', 'limit is given twice'])
    expect(await failure(ask({ query: 'name=x' }))).toEqual(['QUERY_INVALID', expect.stringContaining('there are')])
    expect(isFailure(new Error('x'), 'EVENT_INVALID')).toBe(false)
  })
})

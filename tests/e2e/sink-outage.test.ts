import { describe, expect, test } from '@jest/globals'
import { createSluice, type SinkAnswer } from '@sluice/testkit'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** Of a kind whose events have no order, and of one whose events keep it. */
const KINDS = { pingsource: 'PingSource', apiserversource: 'ApiServerSource', kafkasource: 'KafkaSource' } as const
const SPECS = {
  pingsource: { schedule: '0 0 1 1 *' },
  apiserversource: { resources: [{ apiVersion: 'v1', kind: 'ConfigMap' }] },
  kafkasource: { bootstrapServers: ['127.0.0.1:1'], topics: ['orders'] },
} as const

/** A source with a sink of no kind of ours; its service is not there: events are posted to its log by hand. */
async function outage(kind: keyof typeof KINDS, answerOf: () => SinkAnswer, delivery?: object) {
  const manifests = {
    ...{ apiVersion: 'sources.knative.dev/v1', kind: KINDS[kind], metadata: { name: 's', namespace: 'default' } },
    spec: {
      ...{ ...SPECS[kind], ...(delivery && { delivery }) },
      sink: { ref: { apiVersion: 'v1', kind: 'Service', name: 'sink' } },
    },
  }
  const sluice = await createSluice({ manifests, sinks: { sink: answerOf } })
  const send = (id: string) =>
    sluice.send({ id, subject: 'one', knativekafkapartition: 0 }, `source-logs/default/${kind}/s`)
  return { sluice, send }
}

describe('an outage of the sink of a source', () => {
  const CASES: readonly (readonly [SinkAnswer, keyof typeof KINDS])[] = [
    [503, 'pingsource'],
    [503, 'apiserversource'],
    [500, 'apiserversource'],
    [404, 'apiserversource'],
    ['reset', 'pingsource'],
    ['hang', 'apiserversource'],
  ]

  test.each(CASES)(
    'of an hour (%s) loses nothing of a %s: all arrives by itself within a minute and a half',
    async (answer, kind) => {
      let isAway = true
      const { sluice, send } = await outage(kind, () => (isAway ? answer : 204))
      await using _ = sluice
      for (let minute = 0; minute < 60; minute++) {
        expect((await send(`${minute}`)).status).toBe(202)
        await sluice.advance(MINUTE_MS)
      }
      isAway = false
      const { requests } = sluice.sink('sink')
      const before = requests.length
      await sluice.advance(MINUTE_MS + 30 * SECOND_MS)
      const arrived = requests.slice(before).map(({ id }) => Number(id))
      expect([...new Set(arrived)].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i))
      if (kind !== 'pingsource') expect(arrived).toEqual([...arrived].sort((a, b) => a - b))
      expect(await sluice.parked()).toEqual([])
    },
  )

  test('of more than a day parks what came before it, once each was asked for that long', async () => {
    const { sluice, send } = await outage('pingsource', () => 500)
    await using _ = sluice
    await send('1')
    await sluice.advance(24 * HOUR_MS)
    expect(await sluice.parked()).toEqual([])
    await sluice.advance(2 * MINUTE_MS)
    expect(await sluice.parked()).toMatchObject([{ reason: 'DELIVERY_FAILED', attributes: { id: '1' } }])
  })

  test('asks no more than once a minute for an event, or as the sink says when it wants to be asked', async () => {
    const { sluice, send } = await outage('pingsource', () => ({ status: 503, headers: { 'retry-after': '50' } }))
    await using _ = sluice
    await send('1')
    await sluice.advance(HOUR_MS)
    expect(sluice.sink('sink').count).toBeLessThanOrEqual(73)
    expect(sluice.sink('sink').count).toBeGreaterThanOrEqual(59)
  })

  test('is none where the sink refuses for good: that event is parked at once, and the next one goes', async () => {
    let answer: SinkAnswer = 400
    const { sluice, send } = await outage('apiserversource', () => answer)
    await using _ = sluice
    await send('1')
    answer = 204
    await send('2')
    expect(sluice.sink('sink').requests.map(({ id }) => id)).toEqual(['1', '2'])
    expect(await sluice.parked()).toMatchObject([{ attributes: { id: '1' } }])
  })

  test('is ridden out for as long as spec.delivery says, where there is one', async () => {
    const { sluice, send } = await outage('kafkasource', () => 503, { retry: 2, backoffDelay: 'PT1S' })
    await using _ = sluice
    await send('1')
    await sluice.advance(10 * SECOND_MS)
    expect(sluice.sink('sink').count).toBe(3)
    expect(await sluice.parked()).toMatchObject([{ reason: 'DELIVERY_FAILED' }])
  })
})

import { describe, expect, test } from '@jest/globals'
import { rowOf } from '../../test/fake-queue.ts'
import { type Behaviour, simulate } from '../../test/simulation.ts'
import { Congestion } from './congestion.ts'

describe('the limit of requests at once', () => {
  test('starts with the most, is halved once per round of requests, and never ends below one', () => {
    const congestion = new Congestion(16)
    const { round } = congestion
    for (let i = 0; i < 16; i += 1) congestion.congested(round)
    expect(congestion.limit).toBe(8)
    const limits = Array.from({ length: 4 }, () => {
      congestion.congested(congestion.round)
      return congestion.limit
    })
    expect(limits).toEqual([4, 2, 1, 1])
  })

  test('recovers by a sixteenth of the most per round of good answers', () => {
    const congestion = new Congestion(160)
    congestion.congested(congestion.round)
    for (let i = 0; i < 79; i += 1) congestion.good()
    expect(congestion.limit).toBe(80)
    congestion.good()
    expect(congestion.limit).toBe(90)
    for (let i = 0; i < 10_000; i += 1) congestion.good()
    expect(congestion.limit).toBe(160)
  })

  test('follows the row: up if nothing was learned, down always', () => {
    const congestion = new Congestion(10)
    congestion.resize(20)
    expect(congestion.limit).toBe(20)
    congestion.congested(congestion.round)
    congestion.resize(40)
    expect(congestion.limit).toBe(10)
    congestion.resize(4)
    expect(congestion.limit).toBe(4)
  })
})

describe('RTY-20 congestion control', () => {
  const spec = { ...rowOf().spec, retry: 1_000, backoffDelayMs: 100, backoffPolicy: 'linear' } as const
  /** A subscriber that serves so many at a time, 10 ms each, and refuses the others at once. */
  const serving = (places: number, refusal: Behaviour) => {
    const it = simulate({ maxInFlight: 64, spec }, ({ at }) => {
      while (until.length > 0 && (until[0] as number) <= at) until.shift()
      if (until.length >= places) return refusal
      until.push(at + 10)
      return { afterMs: 10, comes: 204 }
    })
    const until: number[] = []
    return it
  }

  test.each([429, 503, { afterMs: 5, comes: 'timeout' }] as const)(
    'a subscriber that answers %j when it has enough gets fewer requests at once, and all events in the end',
    async (refusal) => {
      const it = serving(4, refusal)
      for (let i = 0; i < 400; i += 1) it.publish(`e${i}`)
      await it.clock.advance(20)
      expect(it.window()).toBeLessThanOrEqual(16)
      expect(it.telemetry.read('dispatch_slowdowns_total', { trigger: 'trigger' })).toBeGreaterThanOrEqual(2)
      await it.clock.advance(60_000)
      expect(it.entries).toEqual([])
      // Far fewer than one refusal for each place it does not have
      expect(it.requests.length).toBeLessThan(1_200)
    },
  )

  test('a subscriber that has recovered gets as many as before', async () => {
    let isBusy = true
    const it = simulate({ maxInFlight: 64, spec }, () => ({ afterMs: 10, comes: isBusy ? 503 : 204 }))
    for (let i = 0; i < 100; i += 1) it.publish(`e${i}`)
    await it.clock.advance(1_000)
    expect(it.window()).toBe(1)
    isBusy = false
    for (let i = 100; i < 1_500; i += 1) it.publish(`e${i}`)
    await it.clock.advance(20_000)
    expect([it.window(), it.entries.length]).toEqual([64, 0])
  })

  test.each([204, 400, 404, 500, 502])('%i says nothing of congestion', async (status) => {
    const it = simulate({ maxInFlight: 64, spec: { ...spec, retry: 1 } }, () => status)
    for (let i = 0; i < 100; i += 1) it.publish(`e${i}`)
    await it.clock.advance(1_000)
    expect(it.window()).toBe(64)
  })
})

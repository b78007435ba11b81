import { describe, expect, test } from '@jest/globals'
import { eventOf, FakeDelivery, rowOf } from '../../test/fake-queue.ts'
import { simulate } from '../../test/simulation.ts'
import { Repeats } from './repeats.ts'

const HOUR_MS = 3_600_000
const publishMany = (it: ReturnType<typeof simulate>, count: number) => {
  for (let i = 0; i < count; i += 1) it.publish(`e${i}`)
}

describe('a rate', () => {
  test.each([
    [10, 1_000],
    [0.5, 20_000],
    [200, 1_000],
  ])('of %d per second is kept, with a tenth of a second at once', async (ratePerSecond, ms) => {
    const it = simulate({ ratePerSecond })
    publishMany(it, 1_000)
    await it.clock.advance(0)
    const atOnce = it.requests.length
    await it.clock.advance(ms)
    const sent = it.requests.length - atOnce
    expect(atOnce).toBe(Math.max(1, ratePerSecond / 10))
    expect(Math.abs(sent - (ratePerSecond * ms) / 1_000)).toBeLessThanOrEqual(1)
    expect(it.entries.every(({ attempt, isOut }) => attempt === 1 && !isOut)).toBe(true)
  })

  test('counts every request, retries too, with and without an order', async () => {
    for (const order of [undefined, 'key'] as const) {
      const spec = { ...rowOf().spec, retry: 100, backoffDelayMs: 0 }
      const it = simulate({ ratePerSecond: 10, spec, ...(order && { order }) }, () => 500)
      publishMany(it, 50)
      await it.clock.advance(10_000)
      expect(it.requests.length).toBeGreaterThanOrEqual(99)
      expect(it.requests.length).toBeLessThanOrEqual(102)
    }
  })

  test('is kept, too, while no request ends', async () => {
    const it = simulate({ ratePerSecond: 10, maxInFlight: 100 }, () => ({ afterMs: 60_000, comes: 204 }))
    publishMany(it, 100)
    await it.clock.advance(5_000)
    expect(Math.abs(it.requests.length - 51)).toBeLessThanOrEqual(1)
  })

  test('leaves nothing saved up after a pause but a tenth of a second', async () => {
    const it = simulate({ ratePerSecond: 20 })
    await it.clock.advance(HOUR_MS)
    publishMany(it, 100)
    await it.clock.advance(0)
    expect(it.requests).toHaveLength(2)
  })

  test('is in force as soon as it changes, and gone when it is taken away', async () => {
    const it = simulate({ ratePerSecond: 1 })
    publishMany(it, 200)
    await it.clock.advance(5_000)
    it.row({ ratePerSecond: 100 })
    await it.clock.advance(1_000)
    expect(it.requests.length).toBeGreaterThan(90)
    it.apply(rowOf())
    await it.clock.advance(0)
    expect(it.entries).toHaveLength(0)
    await it.clock.advance(10_000)
    expect(it.clock.pending).toBe(0)
  })
})

describe('a suspended trigger', () => {
  test('gets nothing, for as long as it takes, and everything afterwards, as first attempts', async () => {
    const it = simulate({ suspend: true })
    publishMany(it, 100)
    await it.clock.advance(24 * HOUR_MS)
    expect([it.requests.length, it.ends.length, it.window()]).toEqual([0, 0, 0])
    it.apply(rowOf())
    await it.clock.advance(0)
    expect(it.requests).toHaveLength(100)
    expect(it.ends.every((end) => end.endsWith(' ack'))).toBe(true)
  })

  test('lets requests under way end, and what fails waits with its attempt', async () => {
    const it = simulate({}, ({ id }) => ({ afterMs: 1_000, comes: id === 'e0' ? 503 : 204 }))
    publishMany(it, 2)
    await it.clock.advance(10)
    it.row({ suspend: true })
    it.publish('late')
    await it.clock.advance(HOUR_MS)
    expect(it.ends).toEqual(['e0 nack 200', 'e1 ack'])
    expect(it.entries.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(['e0 2', 'late 1'])
  })

  test('gives back what waits in hand under an order, with its place', async () => {
    const spec = { ...rowOf().spec, retry: 5, backoffDelayMs: 10_000 }
    const it = simulate({ order: 'key', spec }, ({ at }) => (at < 1_000 ? 503 : 204))
    for (const id of ['a1', 'a2']) it.publish(id, { key: 'a' })
    await it.clock.advance(10)
    it.row({ suspend: true })
    await it.clock.advance(HOUR_MS)
    expect(it.ends).toEqual(['a1 release', 'a2 release'])
    it.apply(rowOf({ order: 'key', spec }))
    await it.clock.advance(0)
    expect(it.ids()).toEqual(['a1', 'a1', 'a2'])
  })

  test('says so in the log, once', () => {
    const it = simulate({})
    it.row({ suspend: true })
    it.row({ suspend: true, maxInFlight: 3 })
    const lines = it.telemetry.lines.filter(({ message }) => message === 'suspension of a trigger changed')
    expect(lines).toHaveLength(1)
  })
})

describe('a dedup window', () => {
  test('leaves out another delivery of the same source and id within it, and counts that', async () => {
    const it = simulate({ dedupWindowMs: 60_000 })
    it.publish('e1')
    it.publish('e1#again')
    await it.clock.advance(59_999)
    it.publish('e1#late')
    await it.clock.advance(1)
    expect(it.ids()).toEqual(['e1'])
    expect(it.ends.toSorted()).toEqual(['e1 ack', 'e1#again ack', 'e1#late ack'])
    expect(it.telemetry.read('dispatch_outcomes_total', { outcome: 'repeated' })).toBe(2)
    it.publish('e1#later')
    await it.clock.advance(0)
    expect(it.ids()).toEqual(['e1', 'e1'])
  })

  test('tells events by source and id, never by id alone', async () => {
    const it = simulate({ dedupWindowMs: 60_000 })
    it.publish('e1')
    it.publish('e1#other', { more: { source: '/other' } })
    await it.clock.advance(0)
    expect(it.requests).toHaveLength(2)
  })

  test('takes no retry for a repeat, nor a replay', async () => {
    const it = simulate({ dedupWindowMs: 60_000 }, ({ at }) => (at < 100 ? 503 : 204))
    it.publish('e1')
    await it.clock.advance(1_000)
    expect(it.ids()).toEqual(['e1', 'e1'])
    it.publish('e1#replayed', { more: { sluicereplay: 'r-1' } })
    await it.clock.advance(0)
    expect(it.requests).toHaveLength(3)
  })

  test('is a memory that is bounded: beyond so many events it forgets the oldest, and never makes one up', () => {
    const repeats = new Repeats(24 * HOUR_MS, 0, 100)
    const has = (id: number, by: string) =>
      repeats.has(Object.assign(new FakeDelivery('1'), { event: eventOf(`${id}`), dedupKey: by }), 1)
    for (let id = 0; id < 250; id += 1) expect(has(id, 'first')).toBe(false)
    expect([has(249, 'second'), has(150, 'second'), has(0, 'second')]).toEqual([true, true, false])
  })
})

import { describe, expect, test } from '@jest/globals'
import { rowOf } from '../../test/fake-queue.ts'
import { simulate } from '../../test/simulation.ts'

const spec = { ...rowOf().spec, retry: 10, backoffDelayMs: 200, backoffPolicy: 'exponential' } as const
const publishMany = (it: ReturnType<typeof simulate>, count: number, from = 0) => {
  for (let i = from; i < from + count; i += 1) it.publish(`e${i}`)
}

describe('the circuit of a subscriber', () => {
  test.each(['unreachable', 'timeout'] as const)(
    'opens when nothing is heard of it (%s): its events wait, uncounted, and come when it answers again',
    async (kind) => {
      let isDead = true
      const it = simulate({ maxInFlight: 16, spec }, () => (isDead ? kind : 204))
      publishMany(it, 500)
      await it.clock.advance(5_000)
      const opened = it.telemetry.read('dispatch_circuits_opened_total', { trigger: 'trigger' })
      const asked = it.requests.length
      const attempts = it.entries.map(({ attempt }) => attempt)
      await it.clock.advance(900_000)
      expect(opened).toBe(1)
      expect(it.entries).toHaveLength(500)
      // One probe in 15 s, by turns
      const probes = it.ids().slice(asked)
      expect(probes.length).toBeLessThanOrEqual(900 / 15 + 3)
      expect(new Set(probes.slice(-4)).size).toBe(4)
      expect(it.entries.map(({ attempt }) => attempt)).toEqual(attempts)
      isDead = false
      await it.clock.advance(60_000)
      expect(it.entries).toHaveLength(0)
      expect(it.ends.filter((end) => !end.endsWith(' ack')).every((end) => / (nack \d+|release)$/.test(end))).toBe(true)
      expect(it.telemetry.lines.map(({ message }) => message)).toContain('the subscriber answers again')
    },
  )

  test('probes after 1, 2, 4, 8 and then every 15 seconds, one at a time', async () => {
    const it = simulate({ maxInFlight: 16, spec }, () => 'unreachable')
    publishMany(it, 500)
    await it.clock.advance(120_000)
    const times = it.requests.map(({ at }) => at).filter((at) => at > 3_500)
    const gaps = times.map((at, i) => at - (times[i - 1] ?? at)).slice(1)
    expect(gaps.map((gap) => Math.round(gap / 1_000))).toEqual([2, 4, 8, 15, 15, 15, 15, 15, 15])
  })

  test('lets a probe that hangs be the only one', async () => {
    const it = simulate({ maxInFlight: 16, spec }, ({ at }) =>
      at < 3_500 ? 'unreachable' : { afterMs: 30_000, comes: 'timeout' },
    )
    publishMany(it, 500)
    await it.clock.advance(30_000)
    expect(it.requests.filter(({ at }) => at > 3_500)).toHaveLength(1)
  })

  test('closes with whatever answer, and starts with few', async () => {
    let isDead = true
    const it = simulate({ maxInFlight: 160, spec }, () => (isDead ? 'unreachable' : { afterMs: 10, comes: 500 }))
    publishMany(it, 500)
    await it.clock.advance(5_000)
    isDead = false
    expect(it.window()).toBe(0)
    await it.clock.advance(5_000)
    expect(it.window()).toBe(10)
  })

  test.each([
    ['few events', 9, spec],
    ['retries that are over within two seconds', 100, { ...spec, retry: 3 }],
  ])('stays closed for %s: they go to the dead letter sink as the delivery spec says', async (_, count, ofRow) => {
    const deadLetterSink = { url: 'http://sink.test/', internal: false }
    const it = simulate({ maxInFlight: 256, spec: ofRow, deadLetterSink }, ({ url }) =>
      url === deadLetterSink.url ? 204 : 'unreachable',
    )
    publishMany(it, count)
    await it.clock.advance(300_000)
    expect(it.entries).toHaveLength(0)
    expect(it.requests.filter(({ url }) => url === deadLetterSink.url)).toHaveLength(count)
    expect(it.requests).toHaveLength(count * (ofRow.retry + 2))
  })

  test('stays closed while anything is answered, and for whoever does not retry', async () => {
    const some = simulate({ maxInFlight: 16, spec }, ({ id }) => (id === 'e0' ? 500 : 'unreachable'))
    for (let second = 0; second < 10; second += 1) {
      publishMany(some, 8, second * 8)
      some.publish('e0')
      await some.clock.advance(1_000)
    }
    expect(some.telemetry.read('dispatch_circuits_opened_total')).toBe(0)
    const once = simulate({ maxInFlight: 16, spec: { ...spec, retry: 0 } }, () => 'unreachable')
    for (let second = 0; second < 10; second += 1) {
      publishMany(once, 50, second * 50)
      await once.clock.advance(1_000)
    }
    expect(once.entries).toHaveLength(0)
  })

  test('opens under an order as well: what waits in hand keeps its place, and no retry is spent', async () => {
    let isDead = true
    const it = simulate({ order: 'key', maxInFlight: 64, spec }, () => (isDead ? 'unreachable' : 204))
    for (let i = 0; i < 200; i += 1) it.publish(`e${i}`, { key: `k${i % 20}`, lane: i % 8 })
    await it.clock.advance(10_000)
    const asked = it.requests.length
    await it.clock.advance(60_000)
    expect(it.requests.length - asked).toBeLessThanOrEqual(5)
    expect(it.entries).toHaveLength(200)
    isDead = false
    const before = it.requests.length
    await it.clock.advance(60_000)
    expect(it.entries).toHaveLength(0)
    const delivered = it.ids().slice(before)
    for (let key = 0; key < 20; key += 1) {
      const ofKey = delivered.filter((id) => Number(id.slice(1)) % 20 === key)
      expect(ofKey).toEqual(Array.from({ length: 10 }, (_, i) => `e${key + i * 20}`))
    }
  })

  test('begins anew when the trigger names another subscriber', async () => {
    const it = simulate({ maxInFlight: 16, spec }, ({ url }) => (url.includes('other') ? 204 : 'unreachable'))
    publishMany(it, 500)
    await it.clock.advance(100_000)
    it.row({ subscriber: { url: 'http://other.test/', internal: false } })
    await it.clock.advance(0)
    expect(it.window()).toBe(16)
    await it.clock.advance(110_000)
    expect(it.entries).toHaveLength(0)
  })

  test('of a dead subscriber leaves fifty live ones alone', async () => {
    const it = simulate({ spec }, ({ url }) =>
      url.includes('live') ? { afterMs: 5, comes: 204 } : { afterMs: 30_000, comes: 'timeout' },
    )
    const live = { url: 'http://live.test/', internal: false }
    for (let i = 0; i < 50; i += 1) it.apply(rowOf({ uid: `live-${i}`, name: `live-${i}`, subscriber: live }))
    publishMany(it, 300)
    const stored = new Map<string, number>()
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 50; i += 1) {
        stored.set(`${round}/${i}`, it.clock.monotonic())
        it.publish(`${round}/${i}`, { queue: `live-${i}` })
      }
      await it.clock.advance(1_000)
    }
    const delays = it.requests.flatMap(({ id, at }) => (stored.has(id) ? at - (stored.get(id) as number) : []))
    expect(delays).toHaveLength(1_000)
    expect(Math.max(...delays)).toBe(0)
  })
})

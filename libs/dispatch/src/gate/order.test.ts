import { describe, expect, test } from '@jest/globals'
import { rowOf } from '../../test/fake-queue.ts'
import { simulate } from '../../test/simulation.ts'
import { readNote } from '../note.ts'

const A = { key: 'a', lane: 1 }
const B = { key: 'b', lane: 1 }
const C = { key: 'c', lane: 2 }
const spec = { ...rowOf().spec, retry: 5, backoffDelayMs: 1_000, backoffPolicy: 'linear' } as const

describe('order: key', () => {
  test('a failing event holds up its own key, and nothing else of its lane', async () => {
    let isDown = true
    const it = simulate({ order: 'key', spec }, ({ id }) => (id === 'a1' && isDown ? 503 : 204))
    for (const id of ['a1', 'a2', 'a3']) it.publish(id, A)
    for (const id of ['b1', 'b2']) it.publish(id, B)
    it.publish('c1', C)
    await it.clock.advance(2_500)
    expect(it.ids()).toEqual(['a1', 'b1', 'c1', 'b2', 'a1', 'a1'])
    isDown = false
    await it.clock.advance(1_000)
    expect(it.ids().slice(6)).toEqual(['a1', 'a2', 'a3'])
    expect(it.entries).toEqual([])
    expect(it.clock.pending).toBe(0)
  })

  test('one request of a key at a time, in order, however long each takes; keys run beside each other', async () => {
    const it = simulate({ order: 'key' }, ({ id }) => ({ afterMs: id.startsWith('a') ? 100 : 10, comes: 204 }))
    for (let i = 0; i < 5; i += 1) {
      it.publish(`a${i}`, A)
      it.publish(`b${i}`, B)
    }
    await it.clock.advance(1_000)
    const of = (key: string) => it.requests.filter(({ id }) => id.startsWith(key)).map(({ id, at }) => `${id} ${at}`)
    expect(of('a')).toEqual(['a0 0', 'a1 100', 'a2 200', 'a3 300', 'a4 400'])
    expect(of('b')).toEqual(['b0 0', 'b1 10', 'b2 20', 'b3 30', 'b4 40'])
    expect(it.most()).toBe(2)
  })

  test('it is made as many requests as the delivery spec says, after its waits; then the key goes on', async () => {
    const it = simulate({ order: 'key', spec: { ...spec, retry: 2, backoffPolicy: 'exponential' } }, ({ id }) =>
      id === 'a1' ? 500 : 204,
    )
    it.publish('a1', A)
    it.publish('a2', A)
    await it.clock.advance(10_000)
    expect(it.requests.map(({ id, at }) => `${id} ${at}`)).toEqual(['a1 0', 'a1 1000', 'a1 3000', 'a2 3000'])
    expect(it.ends).toEqual(['a1 park DELIVERY_FAILED', 'a2 ack'])
    expect(it.telemetry.read('dispatch_outcomes_total', { outcome: 'retried' })).toBe(2)
  })

  test('an event that failed for good lets its key go on; the dead letter sink has tries of its own', async () => {
    const deadLetterSink = { url: 'http://sink.test/', internal: false }
    const it = simulate({ order: 'key', deadLetterSink, spec: { ...spec, retry: 1 } }, ({ id, url, at }) =>
      id === 'a1' && (url !== deadLetterSink.url || at < 1_500) ? 500 : 204,
    )
    it.publish('a1', A)
    it.publish('a2', A)
    await it.clock.advance(10_000)
    const sent = it.requests.map(({ id, url }) => `${id} ${url === deadLetterSink.url ? 'sink' : 'subscriber'}`)
    expect(sent.toSorted()).toEqual(['a1 sink', 'a1 sink', 'a1 subscriber', 'a1 subscriber', 'a2 subscriber'])
    expect(it.ends.toSorted()).toEqual(['a1 ack', 'a1 nack 0', 'a1 nack 1000', 'a2 ack'])
  })

  test('the note of a dead letter says how many requests there were, those in hand too', async () => {
    const deadLetterSink = { url: 'http://sink.test/', internal: false }
    const it = simulate({ order: 'key', deadLetterSink, spec: { ...spec, retry: 2 } }, () => 500)
    it.publish('a1', A)
    await it.clock.advance(2_000)
    expect(it.entries[0]?.attempt).toBe(3)
    expect(readNote(it.entries[0]?.note ?? '')).toMatchObject({ attempts: 3, last: 1 })
    await it.clock.advance(10_000)
    expect(it.requests.filter(({ url }) => url === deadLetterSink.url)).toHaveLength(3)
    expect(it.ends.at(-1)).toBe('a1 park DEAD_LETTER_FAILED')
  })

  test('at a thousand that wait in a lane the others wait in the channel, and a metric says so', async () => {
    let isDown = true
    const it = simulate({ order: 'key', spec: { ...spec, retry: 100 } }, ({ id }) =>
      id === 'a0' && isDown ? 503 : 204,
    )
    for (let i = 0; i < 1_500; i += 1) it.publish(`a${i}`, A)
    await it.clock.advance(10)
    expect(it.out()).toBeLessThanOrEqual(1_016)
    it.publish('c1', C)
    await it.clock.advance(10)
    expect(it.ids()).toEqual(['a0'])
    expect(it.telemetry.read('dispatch_order_full_total', { trigger: 'trigger' })).toBe(1)
    isDown = false
    await it.clock.advance(2_000)
    expect(it.ids().filter((id) => id.startsWith('a'))).toEqual([
      'a0',
      ...Array.from({ length: 1_500 }, (_, i) => `a${i}`),
    ])
    expect(it.ids()).toContain('c1')
  })

  test('triggers that fill the room for all do not shut the others out', async () => {
    const it = simulate({ order: 'key', spec: { ...spec, retry: 100 } }, ({ url }) =>
      url.includes('dead') ? 503 : 204,
    )
    const dead = { url: 'http://dead.test/', internal: false }
    for (const uid of ['q1', 'q2', 'q3']) {
      it.apply(rowOf({ uid, name: uid, order: 'key', subscriber: dead, spec: { ...spec, retry: 100 } }))
      for (let i = 0; i < 1_200; i += 1) it.publish(`${uid}-${i}`, { queue: uid, key: uid })
    }
    await it.clock.advance(10)
    const inHand = it.entries.filter(({ isOut }) => isOut).length
    expect(inHand).toBeLessThanOrEqual(2_048 + 3 * 16)
    for (const id of ['a1', 'a2', 'a3']) it.publish(id, A)
    await it.clock.advance(100)
    expect(it.ids().filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3'])
  })

  test('what waits in hand goes by the new row when the trigger changes, and another subscriber is asked at once', async () => {
    const it = simulate({ order: 'key', spec: { ...spec, backoffDelayMs: 10_000 } }, ({ url }) =>
      url.includes('fixed') ? 204 : 503,
    )
    for (const id of ['a1', 'a2', 'a3']) it.publish(id, A)
    await it.clock.advance(100)
    it.row({ subscriber: { url: 'http://fixed.test/', internal: false } })
    await it.clock.advance(0)
    expect(it.ends).toEqual(['a1 ack', 'a2 ack', 'a3 ack'])
    expect(it.ids()).toEqual(['a1', 'a1', 'a2', 'a3'])
  })

  test('an order that is given up holds nothing up any more', async () => {
    const it = simulate({ order: 'key', spec }, ({ id }) => (id === 'a1' ? 503 : 204))
    for (const id of ['a1', 'a2']) it.publish(id, A)
    await it.clock.advance(100)
    it.apply(rowOf({ spec }))
    await it.clock.advance(100)
    expect(it.ids()).toEqual(['a1', 'a1', 'a2'])
  })

  test('the most under way at once holds under an order too', async () => {
    const it = simulate({ order: 'key', maxInFlight: 2 }, () => ({ afterMs: 10, comes: 204 }))
    for (let i = 0; i < 10; i += 1) it.publish(`e${i}`)
    await it.clock.advance(1_000)
    expect([it.most(), it.ids()]).toEqual([2, Array.from({ length: 10 }, (_, i) => `e${i}`)])
  })

  test('a dispatcher that stops gives back what waits in hand', async () => {
    const it = simulate({ order: 'key', spec }, () => 503)
    for (const id of ['a1', 'a2']) it.publish(id, A)
    await it.clock.advance(100)
    it.stop()
    await it.clock.advance(0)
    expect(it.ends).toEqual(['a1 release', 'a2 release'])
  })
})

describe('order: lane', () => {
  test('a failing event holds up its lane, and no other', async () => {
    let isDown = true
    const it = simulate({ order: 'lane', spec }, ({ id }) => (id === 'a1' && isDown ? 503 : 204))
    it.publish('a1', A)
    for (const id of ['b1', 'b2']) it.publish(id, B)
    it.publish('c1', C)
    await it.clock.advance(1_500)
    expect(it.ids()).toEqual(['a1', 'c1', 'a1'])
    isDown = false
    await it.clock.advance(1_000)
    expect(it.ids().slice(3)).toEqual(['a1', 'b1', 'b2'])
  })
})

describe('no order', () => {
  test('a failing event holds nothing up', async () => {
    const it = simulate({ spec }, ({ id }) => (id === 'a1' ? 503 : 204))
    for (const id of ['a1', 'a2']) it.publish(id, A)
    await it.clock.advance(100)
    expect([it.ids(), it.ends]).toEqual([
      ['a1', 'a2'],
      ['a1 nack 1000', 'a2 ack'],
    ])
  })
})

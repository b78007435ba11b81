import { describe, expect, test } from '@jest/globals'
import { createEvent, eventBytes } from '@sluice/cloudevents'
import { VirtualClock } from '@sluice/testkit'
import { admit, createAdmission } from './admission.ts'

const NOW = Date.UTC(2026, 10, 23, 10, 0, 0, 7)
const BASE = { specversion: '1.0', id: '1', source: '/s', type: 't' }
const limits = { now: NOW, maxTtl: 255, maxEventBytes: 65_536 }
const ttlAfter = (ttl: string | number | boolean) =>
  admit(createEvent({ ...BASE, knativebrokerttl: ttl }), limits).attributes.get('knativebrokerttl')

describe('time to live', () => {
  test('an event without one gets the most there is', () => {
    expect(admit(createEvent(BASE), limits).attributes.get('knativebrokerttl')).toBe(255)
  })

  test.each([
    ['2', 1],
    ['255', 254],
    ['300', 299],
    ['+7', 6],
    [9, 8],
    ['many', 255],
    ['1.5', 255],
    [' 5', 255],
    [true, 255],
    ['99999999999', 255],
  ])('%p becomes %p', (given, kept) => {
    expect(ttlAfter(given)).toBe(kept)
  })

  test.each([['1'], [1], ['0'], [0], ['-3'], ['-2147483648']])('%p is spent', (given) => {
    expect(() => ttlAfter(given)).toThrow(expect.objectContaining({ detail: { code: 'EVENT_TTL_SPENT' } }))
  })

  test('255 hops are made, the next is refused', () => {
    let event = admit(createEvent(BASE), limits)
    for (let hop = 1; hop < 255; hop++) event = admit(event, limits)
    expect(event.attributes.get('knativebrokerttl')).toBe(1)
    expect(() => admit(event, limits)).toThrow(/knativebrokerttl/)
  })
})

describe('arrival time', () => {
  test('is now, whatever the event says', () => {
    const event = admit(createEvent({ ...BASE, knativearrivaltime: '2001-01-01T00:00:00Z' }), limits)
    expect(event.attributes.get('knativearrivaltime')).toBe('2026-11-23T10:00:00.007Z')
  })

  test('follows the clock', async () => {
    const clock = new VirtualClock(NOW)
    const admitNow = createAdmission({ ...limits, clock })
    const arrival = () => admitNow(createEvent(BASE)).attributes.get('knativearrivaltime')
    expect([arrival(), arrival()]).toEqual(['2026-11-23T10:00:00.007Z', '2026-11-23T10:00:00.007Z'])
    await clock.advance(1)
    expect(arrival()).toBe('2026-11-23T10:00:00.008Z')
  })
})

describe('size', () => {
  const sized = (data: Uint8Array, subject = 'x') => createEvent({ ...BASE, subject }, data)
  const overhead = eventBytes(admit(sized(new Uint8Array(0)), limits))

  test('the largest event passes, one byte more is refused with both figures', () => {
    expect(eventBytes(admit(sized(new Uint8Array(65_536 - overhead)), limits))).toBe(65_536)
    expect(() => admit(sized(new Uint8Array(65_537 - overhead)), limits)).toThrow(
      expect.objectContaining({ detail: { code: 'EVENT_TOO_LARGE', bytes: 65_537, maxBytes: 65_536 } }),
    )
  })

  test('attributes count in UTF-8', () => {
    expect(() => admit(sized(new Uint8Array(0), '€'.repeat(21_800)), limits)).not.toThrow()
    expect(() => admit(sized(new Uint8Array(0), '€'.repeat(21_850)), limits)).toThrow(/65536/)
  })
})

test('version 0.3 stays 0.3, the given event stays as it was, data is shared', () => {
  const data = Buffer.from('x')
  const event = createEvent({ ...BASE, specversion: '0.3' }, data)
  const admitted = admit(event, limits)
  expect(admitted.attributes.get('specversion')).toBe('0.3')
  expect(event.attributes.size).toBe(4)
  expect(admitted.data).toBe(data)
})

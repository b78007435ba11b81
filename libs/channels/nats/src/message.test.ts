import { describe, expect, test } from '@jest/globals'
import type { Entry, Place } from '@sluice/channel'
import type { AttributeValue, CloudEvent, DataKind } from '@sluice/cloudevents'
import fc from 'fast-check'
import { decodeMessage, encodeMessage, type Headers, messageId } from './message.ts'

/** What the wire makes of header lines: names and trimmed values, as the client hands them out. */
function wire(bytes: Uint8Array): Headers {
  const [first, ...lines] = Buffer.from(bytes).toString('utf8').split('\r\n')
  expect(first).toBe('NATS/1.0')
  expect(lines.slice(-2)).toEqual(['', ''])
  const headers = new Map<string, string[]>()
  for (const line of lines.slice(0, -2)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return headers
}

const attributeName = fc.stringMatching(/^[a-z0-9]{1,20}$/).filter((name) => name !== 'data')
const attributeValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => value | 0),
  fc.boolean(),
)
const text = fc.string({ unit: 'grapheme' })

const event: fc.Arbitrary<CloudEvent> = fc.record({
  attributes: fc
    .array(fc.tuple(attributeName, attributeValue), { maxLength: 8 })
    .map((attributes) => new Map([['specversion', '1.0'], ['id', '1'], ...attributes])),
  data: fc.option(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    { nil: undefined },
  ),
  dataKind: fc.constantFrom<DataKind | undefined>('json', 'text', 'binary', undefined),
})

const entry: fc.Arbitrary<Entry> = fc.record(
  {
    event,
    laneKey: text,
    stamp: fc.maxSafeNat(),
    headers: fc.dictionary(fc.stringMatching(/^[a-z-]{1,10}$/), text, { noNullPrototype: true }),
    dedupKey: text,
    queue: text,
    attempt: fc.integer({ min: 1, max: 1_000 }),
    note: text,
    notBefore: fc.nat(),
  },
  { requiredKeys: ['event', 'laneKey'], noNullPrototype: true },
)

const place: fc.Arbitrary<Place> = fc.record(
  {
    id: text,
    lane: fc.nat(64),
    storedAt: fc.nat(),
    handOuts: fc.nat(9),
    due: fc.maxSafeNat(),
    reason: text,
  },
  { requiredKeys: ['id', 'lane', 'storedAt', 'handOuts', 'due'], noNullPrototype: true },
)

describe('a message of ours', () => {
  test('is read as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(entry, fc.option(place, { nil: undefined }), (written, where) => {
        const extra = written.dedupKey === undefined ? '' : messageId(written.dedupKey)
        const { headers, payload } = encodeMessage(written, where, extra)
        const {
          envelope,
          dedupKey,
          queue,
          attempt,
          note,
          notBefore,
          place: read,
        } = decodeMessage(wire(headers.encode()), payload)
        expect([...envelope.event.attributes]).toEqual([...written.event.attributes])
        expect(envelope.event.data).toEqual(written.event.data)
        expect(envelope.event.dataKind).toEqual(written.event.dataKind)
        expect([envelope.laneKey, envelope.stamp, envelope.headers]).toEqual([
          written.laneKey,
          written.stamp,
          written.headers,
        ])
        expect([dedupKey, queue, attempt, note, notBefore]).toEqual([
          written.dedupKey,
          written.queue ?? '',
          written.attempt ?? 1,
          written.note,
          written.notBefore,
        ])
        expect(read).toEqual(where)
      }),
      { numRuns: 500 },
    )
  })

  test('has header lines of printable ASCII alone', () => {
    fc.assert(
      fc.property(entry, place, (written, where) => {
        const bytes = encodeMessage(written, where, messageId(written.laneKey)).headers.encode()
        for (const line of Buffer.from(bytes).toString('latin1').split('\r\n')) expect(line).toMatch(/^[ -~]*$/)
      }),
      { numRuns: 200 },
    )
  })

  test('has the same size without its payload, and once moved aside', () => {
    fc.assert(
      fc.property(entry, place, (written, where) => {
        const { headers, payload } = encodeMessage(written)
        const { bytes } = decodeMessage(wire(headers.encode()), payload)
        const sized = [...wire(headers.encode()), ['Nats-Msg-Size', [String(payload.length)]] as const]
        expect(decodeMessage(sized, new Uint8Array(), true).bytes).toBe(bytes)
        const moved = encodeMessage({ ...written, note: 'why', attempt: 7 }, where)
        expect(decodeMessage(wire(moved.headers.encode()), moved.payload).bytes).toBe(bytes)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a foreign message', () => {
  const REQUIRED = [
    ['ce-specversion', ['1.0']],
    ['ce-id', ['a%20b']],
    ['ce-source', ['/foreign']],
    ['ce-type', ['sample']],
  ] as const

  test('in binary mode is an event: names in any case, values decoded, the content type an attribute', () => {
    const headers = [...REQUIRED, ['Ce-Subject', ['%E2%82%AC']], ['ce-datacontenttype', ['application/json']]] as const
    const { envelope, bytes, place: where } = decodeMessage(headers, Buffer.from('{}'))
    expect(Object.fromEntries(envelope.event.attributes)).toEqual({
      specversion: '1.0',
      id: 'a b',
      source: '/foreign',
      type: 'sample',
      subject: '€',
      datacontenttype: 'application/json',
    })
    expect(Buffer.from(envelope.event.data ?? []).toString()).toBe('{}')
    expect([envelope.laneKey, envelope.stamp, where]).toEqual(['/foreign a b', undefined, undefined])
    expect(bytes).toBeGreaterThan(20)
  })

  test('in structured mode is an event, and its partitionkey is its order key', () => {
    const body = { specversion: '1.0', id: '1', source: '/s', type: 't', partitionkey: 'k', data: [1] }
    const { envelope } = decodeMessage(
      [['Content-Type', ['application/cloudevents+json; charset=UTF-8']]],
      Buffer.from(JSON.stringify(body)),
    )
    expect(envelope.event.attributes.get('id')).toBe('1')
    expect(Buffer.from(envelope.event.data ?? []).toString()).toBe('[1]')
    expect(envelope.laneKey).toBe('k')
  })

  test.each([
    ['no headers', []],
    ['an attribute missing', REQUIRED.slice(1)],
    ['an attribute twice', [...REQUIRED, ['ce-id', ['2']]]],
    ['a batch', [['Content-Type', ['application/cloudevents-batch+json']]]],
    ['a garbled envelope', [['Content-Type', ['application/cloudevents+json']]]],
    ['our header, garbled', [...REQUIRED, ['Sluice', ['{']]]],
  ] as const)('that is none is refused: %s', (_what, headers) => {
    expect(() => decodeMessage(headers as Headers, Buffer.from('plain text'))).toThrow()
  })

  test('never makes anything but an event or an error', () => {
    const header = fc.tuple(fc.string(), fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 2 }))
    fc.assert(
      fc.property(fc.array(header), fc.uint8Array({ maxLength: 32 }), (headers, payload) => {
        try {
          expect(decodeMessage([...REQUIRED, ...headers], payload).envelope.event.attributes.size).toBeGreaterThan(3)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 300 },
    )
  })
})

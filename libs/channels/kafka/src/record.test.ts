import { describe, expect, test } from '@jest/globals'
import type { Entry } from '@sluice/channel'
import type { AttributeValue, CloudEvent, DataKind } from '@sluice/cloudevents'
import fc from 'fast-check'
import { decodeRecord, encodeRecord, type ReceivedRecord, recordBytes } from './record.ts'

const utf8 = (text: string) => Buffer.from(text, 'utf8')
const attributeName = fc.stringMatching(/^[a-z0-9]{1,20}$/).filter((name) => name !== 'data')
const attributeValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => value | 0),
  fc.boolean(),
)
const text = fc.string({ unit: 'grapheme' })
const data = fc.option(
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  { nil: undefined },
)
const known = fc.constantFrom('datacontenttype', 'partitionkey', 'subject')

const event: fc.Arbitrary<CloudEvent> = fc.record({
  attributes: fc
    .array(fc.tuple(fc.oneof(attributeName, known), attributeValue), { maxLength: 8 })
    .map((attributes) => new Map([['specversion', '1.0'], ['id', '1'], ...attributes])),
  data,
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

describe('a record of ours', () => {
  test('is read as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(entry, (written) => {
        const { envelope, dedupKey, queue, attempt, note, notBefore } = decodeRecord(encodeRecord(written))
        expect([...envelope.event.attributes]).toEqual([...written.event.attributes])
        expect(envelope.event.data).toEqual(written.event.data)
        expect(envelope.event.dataKind).toEqual(written.event.dataKind)
        const { laneKey, stamp, headers } = written
        expect([envelope.laneKey, envelope.stamp, envelope.headers]).toEqual([laneKey, stamp, headers])
        expect([dedupKey, queue, attempt, note, notBefore]).toEqual([
          written.dedupKey,
          written.queue ?? '',
          written.attempt ?? 1,
          written.note,
          written.notBefore,
        ])
      }),
      { numRuns: 500 },
    )
  })

  test('is a CloudEvent in binary mode to whoever knows nothing of us', () => {
    fc.assert(
      fc.property(data, fc.constantFrom('text/plain', undefined), text, (bytes, type, subject) => {
        const attributes = new Map<string, AttributeValue>([
          ['specversion', '1.0'],
          ['id', '1'],
          ['source', '/s'],
          ['type', 't'],
          ['ext', subject === '' ? 'x' : subject],
          ...(type === undefined ? [] : [['datacontenttype', type] as const]),
        ])
        const record = encodeRecord({ event: { attributes, data: bytes, dataKind: undefined }, laneKey: 'k' })
        const { sluice: _, ...headers } = record.headers
        expect(headers.ce_id).toEqual('1')
        expect(headers['content-type']).toEqual(type === undefined ? undefined : type)
        expect(headers.ce_ext).toEqual(attributes.get('ext'))
        expect(record.value).toEqual(bytes ?? null)
        let read: ReturnType<typeof decodeRecord> | undefined
        try {
          read = decodeRecord({ ...record, headers })
        } catch (error) {
          // Control characters are no attribute value, from whomever they come
          expect(error).toMatchObject({ detail: { code: 'EVENT_INVALID' } })
          return
        }
        expect(new Map(read.envelope.event.attributes)).toEqual(attributes)
        expect(read.envelope.event.data).toEqual(bytes)
      }),
      { numRuns: 300 },
    )
  })

  test('has the key that the event names, and no other', () => {
    const attributes = new Map<string, AttributeValue>([['partitionkey', 'käse']])
    const of = (each: CloudEvent) => encodeRecord({ event: each, laneKey: 'lane' }).key
    expect(of({ attributes, data: undefined, dataKind: undefined })).toEqual(utf8('käse'))
    expect(of({ attributes: new Map(), data: undefined, dataKind: undefined })).toBeNull()
  })

  test('counts all its bytes', () => {
    const record = { key: utf8('kk'), value: utf8('vvv'), headers: { ce_id: 'ö', ce_a: utf8('1') } }
    expect(recordBytes(record)).toBe(2 + 3 + (5 + 2 + 2) + (4 + 1 + 2))
  })
})

const ATTRIBUTES = { ce_specversion: '1.0', ce_id: '1', ce_source: '/s', ce_type: 't' }

function foreign(headers: ReceivedRecord['headers'], value: Buffer | null = utf8('x'), key: Buffer | null = null) {
  return decodeRecord({ key, value, ...(headers === undefined ? {} : { headers }) })
}

describe("a foreign producer's record", () => {
  test('is read in binary mode, values as they stand', () => {
    const { envelope } = foreign({ ...ATTRIBUTES, ce_ext: '50% "ö"', 'Content-Type': 'text/plain', other: 'x' })
    expect(Object.fromEntries(envelope.event.attributes)).toEqual({
      specversion: '1.0',
      id: '1',
      source: '/s',
      type: 't',
      ext: '50% "ö"',
      datacontenttype: 'text/plain',
    })
    expect(envelope.event.data).toEqual(utf8('x'))
    expect(envelope.headers).toBeUndefined()
  })

  test('has no attribute where a header has no value, as with null in JSON', () => {
    const none = null as unknown as Buffer
    const { event } = foreign({ ...ATTRIBUTES, ce_ext: none, 'content-type': none, other: none }).envelope
    expect([...event.attributes.keys()]).toEqual(['specversion', 'id', 'source', 'type'])
    expect(() => foreign({ ...ATTRIBUTES, ce_id: none })).toThrow()
  })

  test('is read in structured mode', () => {
    const body = utf8('{"specversion":"1.0","id":"1","source":"/s","type":"t","n":7,"data":{"a":1}}')
    const { envelope } = foreign({ 'content-type': 'application/cloudevents+json; charset=utf-8' }, body)
    expect(envelope.event.attributes.get('n')).toBe(7)
    expect(envelope.event.data?.toString()).toBe('{"a":1}')
  })

  test('without a value has no data, and with no bytes has data of no bytes', () => {
    expect(foreign(ATTRIBUTES, null).envelope.event.data).toBeUndefined()
    expect(foreign(ATTRIBUTES, Buffer.alloc(0)).envelope.event.data).toEqual(Buffer.alloc(0))
  })

  test.each([
    ['its partition key', { ...ATTRIBUTES, ce_partitionkey: 'p' }, utf8('k'), 'p'],
    ['its key', ATTRIBUTES, utf8('k'), 'k'],
    ['its key, also of bytes that are no text', ATTRIBUTES, Buffer.from([0xff]), '/w=='],
    ['what makes it unique', ATTRIBUTES, null, '/s 1'],
  ])('keeps its order by %s', (_, headers, key, laneKey) => {
    expect(foreign(headers, null, key).envelope.laneKey).toBe(laneKey)
  })

  test.each<[string, ReceivedRecord['headers'], Buffer | null]>([
    ['a tombstone', undefined, null],
    ['nothing but a value', {}, utf8('x')],
    ['a header that is not UTF-8', { ...ATTRIBUTES, ce_ext: Buffer.from([0xff]) }, null],
    ['a header given twice', { ...ATTRIBUTES, ce_ext: ['a', 'b'] }, null],
    ['an attribute that is missing', { ce_specversion: '1.0', ce_id: '1' }, null],
    ['a batch', { 'content-type': 'application/cloudevents-batch+json' }, utf8('[]')],
    ['a header of ours that is garbled', { sluice: '{' }, null],
  ])('is no CloudEvent for %s', (_, headers, value) => {
    expect(() => foreign(headers, value)).toThrow()
  })
})

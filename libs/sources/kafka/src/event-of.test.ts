import { describe, expect, test } from '@jest/globals'
import { type AttributeValue, encodeStructured } from '@sluice/cloudevents'
import type { KafkaSourceRow } from '@sluice/contract'
import { kafkaRow } from '../test/kafka-row.ts'
import { eventOf } from './event-of.ts'
import type { TopicRecord } from './record.ts'

const bytes = (text: string) => Buffer.from(text)
const float = (value: number) => {
  const buffer = Buffer.alloc(4)
  buffer.writeFloatBE(value)
  return buffer
}
const double = (value: number) => {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleBE(value)
  return buffer
}

const PLAIN: TopicRecord = {
  ...{ topic: 'orders', partition: 3, offset: 17, timestamp: 1_700_000_000_123, key: null, headers: [] },
  value: bytes('hello'),
}
const said = (record: Partial<TopicRecord>, row: Partial<KafkaSourceRow> = {}) => {
  const event = eventOf({ ...PLAIN, ...record }, kafkaRow(row))
  return { ...Object.fromEntries(event.attributes), data: event.data && Buffer.from(event.data).toString() }
}

describe('a record that is no CloudEvent', () => {
  test('SRC-19: becomes one that says all that is known of it', () => {
    expect(
      said({
        key: bytes('k1'),
        headers: [
          ['Content-Type', bytes('Text/Plain; Charset=UTF-8')],
          ['X-Trace_Id.1', bytes('é')],
        ],
      }),
    ).toEqual({
      specversion: '1.0',
      id: 'partition:3/offset:17',
      source: '/apis/v1/namespaces/shop/kafkasources/orders#orders',
      type: 'dev.knative.kafka.event',
      subject: 'partition:3#17',
      time: '2023-11-14T22:13:20.123Z',
      partitionkey: 'k1',
      key: 'k1',
      datacontenttype: 'text/plain; charset=utf-8',
      kafkaheaderxtraceid1: 'é',
      knativekafkapartition: 3,
      knativekafkaoffset: 17,
      data: 'hello',
    })
  })

  test('a tombstone has no data, an empty value has data of no bytes', () => {
    expect(said({ value: null, key: bytes('gone') })).toMatchObject({ key: 'gone', data: undefined })
    expect(said({ value: Buffer.alloc(0) }).data).toBe('')
  })

  test('a timestamp that is none, or in microseconds, is no time', () => {
    expect(said({ timestamp: 1_700_000_000_123_456 })).not.toHaveProperty('time')
    expect(said({ timestamp: 8.65e15 })).not.toHaveProperty('time')
  })

  test('without a timestamp it has no time; an offset beyond an integer is text', () => {
    const event = said({ timestamp: -1, offset: 2 ** 40 })
    expect(event).not.toHaveProperty('time')
    expect(event).toMatchObject({ knativekafkaoffset: '1099511627776', id: 'partition:3/offset:1099511627776' })
  })

  test.each<[string, TopicRecord['headers'], Record<string, AttributeValue>]>([
    ['no value is left out', [['a', null]], {}],
    ['an empty value is empty', [['a', bytes('')]], { kafkaheadera: '' }],
    ['a name of nothing that is allowed', [['-_-', bytes('1')]], { kafkaheader: '1' }],
    [
      'two names that are one: the last',
      [
        ['a-b', bytes('1')],
        ['A_B', bytes('2')],
      ],
      { kafkaheaderab: '2' },
    ],
    [
      'a name twice: the last',
      [
        ['a', bytes('1')],
        ['a', bytes('2')],
      ],
      { kafkaheadera: '2' },
    ],
    ['no UTF-8: base64', [['a', Buffer.from([0xff, 0xfe])]], { kafkaheadera: '//4=' }],
    ['a line break: base64', [['a', bytes('x\r\ny')]], { kafkaheadera: 'eA0KeQ==' }],
    ['a content type that is none', [['content-type', bytes('json')]], { kafkaheadercontenttype: 'json' }],
    ['an event that lacks its type', [['ce_specversion', bytes('1.0')]], { kafkaheadercespecversion: '1.0' }],
  ])('header: %s', (_, headers, expected) => {
    const found = Object.entries(said({ headers })).filter(([name]) => name.startsWith('kafkaheader'))
    expect(Object.fromEntries(found)).toEqual(expected)
  })

  test.each<[KafkaSourceRow['keyType'], string, Buffer | null, AttributeValue | undefined]>([
    ['string', 'text', bytes('é 1'), 'é 1'],
    ['string', 'none', null, undefined],
    ['string', 'an empty one', Buffer.alloc(0), undefined],
    ['string', 'no text', Buffer.from([0, 1]), 'AAE='],
    ['int', '4 bytes', Buffer.from([0xff, 0xff, 0xff, 0xfe]), -2],
    ['int', '8 bytes, read as text', bytes('12345678'), '12345678'],
    ['float', '4 bytes', float(0.1), '0.1'],
    ['float', '4 bytes, a whole number', float(-3), '-3.0'],
    ['float', '4 bytes, large', float(1.5e10), '1.5E10'],
    ['float', '4 bytes, small', float(1e-5), '1.0E-5'],
    ['float', '4 bytes, the largest', float(3.4028234663852886e38), '3.4028235E38'],
    ['float', '8 bytes', double(0.1), '0.1'],
    ['float', '8 bytes, long', double(1234567.891), '1234567.891'],
    ['float', '8 bytes, a third', double(1 / 3), '0.3333333333333333'],
    ['float', '8 bytes, zero below', double(-0), '-0.0'],
    ['float', '8 bytes, no number', double(Number.NaN), 'NaN'],
    ['float', '3 bytes, read as text', bytes('1.5'), '1.5'],
    ['byte-array', 'bytes', Buffer.from([0, 1, 2]), 'AAEC'],
  ])('SRC-20: key as %s: %s', (keyType, _, key, expected) => {
    const event = said({ key }, { keyType }) as Record<string, unknown>
    expect([event.key, event.partitionkey]).toEqual([expected, expected])
  })
})

describe('a record that is a CloudEvent', () => {
  const BINARY: TopicRecord['headers'] = [
    ['ce_specversion', bytes('1.0')],
    ['ce_id', bytes('7')],
    ['ce_source', bytes('/till/2')],
    ['ce_type', bytes('com.example.sold')],
    ['ce_subject', bytes('100 % é')],
    ['content-type', bytes('Application/JSON')],
    ['other', bytes('x')],
  ]
  const SOLD = { specversion: '1.0', id: '7', source: '/till/2', type: 'com.example.sold' }

  test('SRC-17, SRC-23: in binary mode goes on unchanged, and says where the record lies', () => {
    expect(said({ headers: BINARY, key: bytes('k'), value: bytes('{}') })).toEqual({
      ...{ ...SOLD, subject: '100 % é', datacontenttype: 'Application/JSON' },
      ...{ knativekafkapartition: 3, knativekafkaoffset: 17, data: '{}' },
    })
  })

  test('in binary mode may be without data', () => {
    expect(said({ headers: BINARY, value: null }).data).toBeUndefined()
  })

  test('SRC-18: in structured mode goes on unchanged', () => {
    const { contentType, body } = encodeStructured({
      attributes: new Map<string, AttributeValue>(Object.entries({ ...SOLD, n: 5 })),
      ...{ data: bytes('{"a": 1}'), dataKind: 'json' },
    })
    expect(said({ headers: [['Content-Type', bytes(contentType)]], value: Buffer.from(body) })).toEqual({
      ...{ ...SOLD, n: 5, knativekafkapartition: 3, knativekafkaoffset: 17, data: '{"a": 1}' },
    })
  })

  test.each([
    ['a batch, which the binding does not know', 'application/cloudevents-batch+json', '[]'],
    ['another format', 'application/cloudevents+avro', 'x'],
    ['no JSON', 'application/cloudevents+json', '{'],
    ['an event without a type', 'application/cloudevents+json', '{"specversion":"1.0","id":"1","source":"/"}'],
  ])('%s is data as any', (_, type, value) => {
    expect(said({ headers: [['content-type', bytes(type)]], value: bytes(value) })).toMatchObject({
      ...{ type: 'dev.knative.kafka.event', datacontenttype: type, data: value },
    })
  })

  test('a binary one with an attribute that is no text is data as any', () => {
    expect(said({ headers: [...BINARY, ['ce_bad', Buffer.from([0xff])]] })).toMatchObject({
      ...{ type: 'dev.knative.kafka.event', kafkaheaderceid: '7', kafkaheadercebad: '/w==' },
    })
  })
})

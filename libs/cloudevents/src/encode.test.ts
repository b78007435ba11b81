import { describe, expect, test } from '@jest/globals'
import { type CloudEvent, createEvent, decodeHttp, encodeBatch, encodeBinary, encodeStructured } from './index.ts'
import { testEvent, testJsonEvent } from './testing.ts'

function bodyOf(event: CloudEvent) {
  return encodeStructured(event).body.toString('utf8')
}

function received(type: string | undefined, body: string | Buffer, headers: readonly string[] = []): CloudEvent {
  const required = ['ce-specversion', '1.0', 'ce-id', '1', 'ce-source', '/s', 'ce-type', 't']
  const all = [...(headers.length > 0 ? headers : required), ...(type === undefined ? [] : ['content-type', type])]
  return decodeHttp(all, Buffer.from(body as string)).events[0] as CloudEvent
}

const START = '{"specversion":"1.0","id":"1","source":"/s","type":"t"'

describe('encodeBinary', () => {
  test('writes one header for each attribute, the content type last, the data as it is', () => {
    const event = createEvent(
      { datacontenttype: 'text/plain', id: 'ä b', n: -5, yes: true, specversion: '1.0', source: '/%20', type: '"' },
      Buffer.from([0, 255]),
    )
    const { headers, body } = encodeBinary(event)
    expect(headers).toEqual([
      ...['ce-id', '%C3%A4%20b', 'ce-n', '-5', 'ce-yes', 'true', 'ce-specversion', '1.0'],
      ...['ce-source', '/%2520', 'ce-type', '%22', 'content-type', 'text/plain'],
    ])
    expect(body).toBe(event.data)
  })

  test("the spec's example is encoded as the spec says", () => {
    expect(encodeBinary(testEvent({ subject: 'Euro € 😀' })).headers).toContain('Euro%20%E2%82%AC%20%F0%9F%98%80')
  })

  test('only JSON that came without a content type gets one', () => {
    const attributes = { specversion: '1.0', id: '1', source: '/s', type: 't' }
    const typeOf = (event: CloudEvent) => encodeBinary(event).headers.includes('content-type')
    expect(encodeBinary(createEvent(attributes, Buffer.from('1'), 'json')).headers.slice(-2)).toEqual([
      'content-type',
      'application/json',
    ])
    expect(typeOf(createEvent(attributes, Buffer.from('1')))).toBe(false)
    expect(typeOf(createEvent(attributes, Buffer.from('1'), 'binary'))).toBe(false)
    expect(typeOf(createEvent(attributes))).toBe(false)
  })
})

describe('encodeStructured', () => {
  test('writes attributes in their order and type, the JSON data as it came', () => {
    const event = createEvent(
      { source: '/s', n: 5, id: '"', specversion: '1.0', b: false, type: '\\€' },
      Buffer.from('{ "a": 1.0 }'),
      'json',
    )
    expect(bodyOf(event)).toBe(
      '{"source":"/s","n":5,"id":"\\"","specversion":"1.0","b":false,"type":"\\\\€","data":{ "a": 1.0 }}',
    )
    expect(encodeStructured(event).contentType).toBe('application/cloudevents+json; charset=utf-8')
  })

  test.each<[string | undefined, string | Buffer, string]>([
    ['application/json', '{"a" : 1.0}', '"data":{"a" : 1.0}'],
    ['application/json', ' 1 \n', '"data": 1 \n'],
    ['a/b+JSON; charset="UTF-8"', '"x"', '"data":"x"'],
    ['application/json', '{"a":', '"data_base64":"eyJhIjo="'],
    ['application/json', '1 2', '"data_base64":"MSAy"'],
    ['application/json; charset=utf-16', '1', '"data_base64":"MQ=="'],
    ['application/json', Buffer.from([0x22, 0xff, 0x22]), '"data_base64":"Iv8i"'],
    ['application/json', '\ufeff1', '"data_base64":"77u/MQ=="'],
    [undefined, '{"a":1}', '"data_base64":"eyJhIjoxfQ=="'],
    ['text/plain', 'a "b"\n€', '"data":"a \\"b\\"\\n€"'],
    ['text/plain; charset=us-ascii', 'a', '"data":"a"'],
    ['text/plain; charset=iso-8859-1', Buffer.from([0xe9]), '"data_base64":"6Q=="'],
    ['text/plain; charset=iso-8859-1', 'é', '"data_base64":"w6k="'],
    ['text/plain', Buffer.from([0xff]), '"data_base64":"/w=="'],
    ['text/plain', '\ufeffx', '"data":"\ufeffx"'],
    ['application/soap+xml', '<a/>', '"data":"<a/>"'],
    ['image/png', 'abcd', '"data_base64":"YWJjZA=="'],
  ])('a received body of type %s, %j, goes as %s', (type, body, member) => {
    const content = type === undefined ? '' : `,"datacontenttype":${JSON.stringify(type)}`
    expect(bodyOf(received(type, body))).toBe(`${START}${content},${member}}`)
  })

  test('0.3 has datacontentencoding for bytes, and what arrived as base64 text stays that', () => {
    const head = ['ce-specversion', '0.3', 'ce-id', '1', 'ce-source', '/s', 'ce-type', 't']
    expect(bodyOf(received('image/png', 'abcd', head))).toContain('"datacontentencoding":"base64","data":"YWJjZA=="')
    const encoded = received('image/png', 'YWJjZA==', [...head, 'ce-datacontentencoding', 'base64'])
    expect(bodyOf(encoded)).toContain('"datacontentencoding":"base64","datacontenttype":"image/png","data":"YWJjZA=="')
    expect(encodeBinary(encoded)).toMatchObject({
      headers: expect.arrayContaining(['ce-datacontentencoding']),
      body: encoded.data,
    })
    const mislabelled = received('image/png', 'no base64', [...head, 'ce-datacontentencoding', 'base64'])
    expect(bodyOf(mislabelled)).toContain(`"data":"${Buffer.from('no base64').toString('base64')}"`)
  })

  test('0.3: base64 text received under datacontentencoding leaves an envelope as the bytes it stands for', () => {
    const head = [
      'ce-specversion',
      '0.3',
      'ce-id',
      '1',
      'ce-source',
      '/s',
      'ce-type',
      't',
      'ce-datacontentencoding',
      'base64',
    ]
    const { contentType, body } = encodeStructured(received('image/png', 'YWJjZA==', head))
    const { headers, body: bytes } = encodeBinary(
      decodeHttp(['content-type', contentType], body).events[0] as CloudEvent,
    )
    expect(headers).not.toContain('ce-datacontentencoding')
    expect(Buffer.from(bytes ?? []).toString()).toBe('abcd')
  })

  test('data whose kind its content type contradicts goes as base64 and stays whole', () => {
    const attributes = { specversion: '1.0', id: '1', source: '/s', type: 't' }
    expect(bodyOf(createEvent(attributes, Buffer.from('a'), 'text'))).toBe(`${START},"data_base64":"YQ=="}`)
    const odd = createEvent({ ...attributes, datacontenttype: 'image/png' }, Buffer.from('1'), 'json')
    expect(bodyOf(odd)).toContain('"data_base64":"MQ=="')
  })
})

describe('encodeBatch', () => {
  test('an empty batch is an empty array', () => {
    expect(encodeBatch([])).toEqual({
      contentType: 'application/cloudevents-batch+json; charset=utf-8',
      body: Buffer.from('[]'),
    })
  })

  test('refuses a mixture of versions', () => {
    expect(() => encodeBatch([testJsonEvent(1), testEvent({ specversion: '0.3' })])).toThrow(
      'event 1 of the batch: all events',
    )
  })
})

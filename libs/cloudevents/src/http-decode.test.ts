import { describe, expect, test } from '@jest/globals'
import { contentMode, decodeHttp } from './index.ts'

const REQUIRED = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }

function raw(headers: Record<string, string>): string[] {
  return Object.entries(headers).flat()
}

function decode(headers: Record<string, string>, body?: string | Buffer) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const { events } = decodeHttp(raw({ Host: 'x', ...REQUIRED, ...headers }), bytes)
  return events[0] as NonNullable<(typeof events)[0]>
}

/** The header as Node hands it out: one character per byte. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function problem(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    const { detail } = error as { detail: { code: string; problem: string } }
    expect(detail.code).toBe('EVENT_INVALID')
    return detail.problem
  }
  throw new Error('was accepted')
}

describe('decodeHttp, binary mode', () => {
  test('keeps every attribute, in the order of the headers, and the very body', () => {
    const body = Buffer.from('{ "a": 1.0 }\n')
    const event = decode(
      { 'Content-Type': 'Application/JSON; Charset=UTF-8', 'ce-time': '2020-02-29t23:59:60.10z' },
      body,
    )
    expect([...event.attributes]).toEqual([
      ['specversion', '1.0'],
      ['id', '1'],
      ['source', '/s'],
      ['type', 't'],
      ['time', '2020-02-29t23:59:60.10z'],
      ['datacontenttype', 'Application/JSON; Charset=UTF-8'],
    ])
    expect(event.data).toBe(body)
    expect(event.dataKind).toBeUndefined()
  })

  test('header names count in any case', () => {
    const { events } = decodeHttp(
      ['CE-SPECVERSION', '1.0', 'Ce-Id', '1', 'cE-sOURCE', '/s', 'ce-type', 't', 'Ce-MyExt', 'x'],
      undefined,
    )
    expect(Object.fromEntries(events[0]?.attributes ?? [])).toEqual({
      specversion: '1.0',
      id: '1',
      source: '/s',
      type: 't',
      myext: 'x',
    })
  })

  test('no body, no data; zero bytes, no data; no content type, no datacontenttype', () => {
    expect(decode({}).data).toBeUndefined()
    expect(decode({}, '').data).toBeUndefined()
    expect(decode({ 'content-type': '' }).attributes.has('datacontenttype')).toBe(false)
  })

  test.each([
    ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
    ['%e2%82%ac', '€'],
    ['%41%62', 'Ab'],
    ['100%', '100%'],
    ['50% off, %zz, %4', '50% off, %zz, %4'],
    ['%2520', '%20'],
    ['"quoted \\"x\\" \\\\ %20"', 'quoted "x" \\  '],
    ['"', '"'],
    ['"open', '"open'],
    ['"a"b"', '"a"b"'],
    ['"a\\"', '"a\\"'],
    ['in "the" middle', 'in "the" middle'],
    [bytesOf('raw é 😀'), 'raw é 😀'],
  ])('value %j is %j', (header, value) => {
    expect(decode({ 'ce-subject': header }).attributes.get('subject')).toBe(value)
  })

  test.each([
    ['/a%20b', '/a%20b'],
    ['/caf%C3%A9', '/caf%C3%A9'],
    ['/a%2520b', '/a%20b'],
    ['%2Fa', '/a'],
    ['"/a%20b"', '/a%20b'],
  ])('source %j, whose sender may not have encoded it, is %j', (header, value) => {
    expect(decode({ 'ce-source': header }).attributes.get('source')).toBe(value)
  })

  test('a 0.3 event stays one, with its own attributes', () => {
    const event = decode({ 'ce-specversion': '0.3', 'ce-schemaurl': 'https://x/y', 'ce-dataschema': 'no uri here' })
    expect(event.attributes.get('specversion')).toBe('0.3')
    expect(event.attributes.get('schemaurl')).toBe('https://x/y')
  })

  test.each(['validate', 'constructor', 'tojson', 'hasownproperty', '0', 'x'.repeat(40)])(
    'an extension named %s is one',
    (name) => {
      expect(decode({ [`ce-${name}`]: 'v' }).attributes.get(name)).toBe('v')
    },
  )

  test.each<[Record<string, string>, string]>([
    [{ 'ce-id': '' }, 'attribute "id" must be a non-empty string, not ""'],
    [{ 'ce-type': '' }, 'attribute "type" must be a non-empty string, not ""'],
    [{ 'ce-source': '' }, 'attribute "source" must be a non-empty string, not ""'],
    [{ 'ce-subject': '' }, 'attribute "subject" must be a non-empty string, not ""'],
    [{ 'ce-source': 'a b' }, 'attribute "source" is not a URI-reference: "a b"'],
    [{ 'ce-dataschema': 'relative' }, 'attribute "dataschema" is not an absolute URI: "relative"'],
    [{ 'ce-specversion': '0.3', 'ce-schemaurl': '/x' }, 'attribute "schemaurl" is not an absolute URI: "/x"'],
    [{ 'ce-time': 'Apr 5 2018' }, 'attribute "time" is not an RFC 3339 timestamp: "Apr 5 2018"'],
    [{ 'ce-specversion': '19.0' }, 'attribute "specversion" is "19.0": only "1.0" and "0.3" are supported'],
    [{ 'ce-specversion': '' }, 'attribute "specversion" is "": only "1.0" and "0.3" are supported'],
    [{ 'content-type': 'xyz' }, 'header "content-type" is not a media type: "xyz"'],
    [
      { 'ce-datacontenttype': 'text/plain' },
      'header "ce-datacontenttype" must not be sent in binary mode: Content-Type says it',
    ],
    [{ 'ce-data': 'x' }, 'an attribute must not be named "data"'],
    [{ 'ce-my_ext': 'x' }, 'attribute name "my_ext" has characters other than a-z and 0-9'],
    [{ 'ce-my-ext': 'x' }, 'attribute name "my-ext" has characters other than a-z and 0-9'],
    [{ 'ce-': 'x' }, 'an attribute name is empty'],
    [{ 'ce-subject': '%C0%A0' }, 'header "ce-subject" is not UTF-8: "%C0%A0"'],
    [{ 'ce-subject': '%ED%A0%80' }, 'header "ce-subject" is not UTF-8: "%ED%A0%80"'],
    [{ 'ce-source': '/%C0%A0' }, 'header "ce-source" is not UTF-8: "/%C0%A0"'],
    [{ 'ce-subject': 'caf\xe9' }, 'header "ce-subject" is not UTF-8: "caf\\u00e9"'],
    [{ 'ce-subject': 'a%00' }, 'attribute "subject" has the control character U+0000'],
    [{ 'ce-subject': 'a\tb' }, 'attribute "subject" has the control character U+0009'],
    [{ 'ce-x': '%7F' }, 'attribute "x" has the control character U+007F'],
    [{ 'ce-x': '%C2%85' }, 'attribute "x" has the control character U+0085'],
    [{ 'ce-x': '%EF%BF%BF' }, 'attribute "x" has the noncharacter U+FFFF'],
    [{ 'ce-x': '%F0%9F%BF%BE' }, 'attribute "x" has the noncharacter U+1FFFE'],
    [{ 'ce-x': '%EF%B7%90' }, 'attribute "x" has the noncharacter U+FDD0'],
  ])('%j is refused', (headers, expected) => {
    expect(problem(() => decode(headers))).toBe(expected)
  })

  test('missing attributes are all named', () => {
    expect(problem(() => decodeHttp(['ce-id', '1', 'CE-Type', 't'], undefined))).toBe(
      'required but missing: ce-specversion, ce-source',
    )
  })

  test('a header given twice is refused, whatever the case', () => {
    expect(problem(() => decodeHttp([...raw(REQUIRED), 'Ce-ID', '1'], undefined))).toBe('header "ce-id" is given twice')
    expect(problem(() => decodeHttp([...raw(REQUIRED), 'Ce-X', '1', 'ce-x', '2'], undefined))).toBe(
      'header "ce-x" is given twice',
    )
    expect(problem(() => decodeHttp([...raw(REQUIRED), 'content-type', 'a/b', 'Content-Type', 'a/b'], undefined))).toBe(
      'header "content-type" is given twice',
    )
  })

  test('what is no CloudEvent at all is told so, and what would make it one', () => {
    const told = problem(() => decodeHttp(['Content-Type', 'application/json'], Buffer.from('{}')))
    expect(told).toMatch(/^not a CloudEvent: no header ce-specversion, .* Content-Type is "application\/json"/)
  })
})

describe('decodeHttp, choice of mode', () => {
  const envelope = JSON.stringify({ specversion: '1.0', id: '1', source: '/s', type: 't' })

  test.each([
    ['application/cloudevents+json', 'structured'],
    ['application/cloudevents+json; charset=UTF-8', 'structured'],
    ['Application/CloudEvents+JSON;charset="utf-8"; x=y', 'structured'],
    ['application/cloudevents-batch+json ; charset=utf-8', 'batch'],
  ])('%s is %s', (type, mode) => {
    const body = Buffer.from(mode === 'batch' ? `[${envelope}]` : envelope)
    const decoded = decodeHttp(['Content-Type', type], body)
    expect(decoded.mode).toBe(mode)
    expect(decoded.events[0]?.attributes.get('id')).toBe('1')
    expect(contentMode(['Content-Type', type])).toBe(mode)
  })

  test('in structured mode the body counts, repeated headers do not', () => {
    const headers = ['Content-Type', 'application/cloudevents+json', 'ce-id', 'other', 'ce-bad_name', '\t']
    expect(decodeHttp(headers, Buffer.from(envelope)).events[0]?.attributes.get('id')).toBe('1')
  })

  test.each([
    ['application/cloudevents+xml', 'event format "application/cloudevents+xml" is not supported'],
    ['application/cloudevents', 'event format "application/cloudevents" is not supported'],
    ['APPLICATION/CLOUDEVENTS+AVRO; a=b', 'event format "application/cloudevents+avro" is not supported'],
    ['application/cloudevents+json; charset=utf-16', 'charset "utf-16" of the content type is not supported'],
    [
      'application/cloudevents+json; x="; charset=utf-8"; charset="ISO-8859-1"',
      'charset "iso-8859-1" of the content type is not supported',
    ],
  ])('%s is refused by name', (type, expected) => {
    expect(problem(() => decodeHttp([...raw(REQUIRED), 'Content-Type', type], Buffer.from(envelope)))).toContain(
      expected,
    )
  })

  test('a message means to be an event by its content type or by one ce- header', () => {
    expect(contentMode(['content-type', 'application/json', 'cookie', 'a', 'cf-ray', 'b'])).toBeUndefined()
    expect(contentMode(['CE-anything', ''])).toBe('binary')
    expect(contentMode([])).toBeUndefined()
  })
})

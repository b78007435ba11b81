import { describe, expect, test } from '@jest/globals'
import { HTTP, type Message, CloudEvent as SdkEvent } from 'cloudevents'
import fc from 'fast-check'
import { type CloudEvent, createEvent, decodeHttp, encodeBinary, encodeStructured, isJsonContentType } from './index.ts'
import { fromSdk, toSdk } from './sdk.ts'
import { arbitraryEvent, testEvent, testJsonEvent } from './testing.ts'

const CORE = { specversion: '1.0', id: '1', source: '/s', type: 't' }

function facts({ attributes, data, dataKind }: CloudEvent) {
  return { attributes: [...attributes], data: data && Buffer.from(data).toString('base64'), dataKind }
}

function decodeMessage({ headers, body }: Message): CloudEvent {
  const raw = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]))
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body as string) : undefined
  return decodeHttp(raw, bytes).events[0] as CloudEvent
}

function headersOf(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] as string]] : [])))
}

describe('toSdk and fromSdk', () => {
  test('attributes survive both ways, and so do text and bytes', () => {
    fc.assert(
      fc.property(arbitraryEvent({ dataKinds: ['text', 'binary', 'none'] }), (event) => {
        const back = fromSdk(toSdk(event))
        const byName = (facts: [string, unknown][]) => facts.sort(([a], [b]) => (a < b ? -1 : 1))
        expect(byName([...back.attributes])).toEqual(byName([...event.attributes]))
        expect(back.data && Buffer.from(back.data)).toEqual(event.data && Buffer.from(event.data))
      }),
      { numRuns: 200, seed: 1 },
    )
  })

  test.each([null, 0, false, '', 'text', { a: [1, null] }])('JSON data %j is that value, and comes back', (value) => {
    const event = testJsonEvent(value)
    const sdk = toSdk(event)
    expect(sdk.data).toEqual(value)
    expect(facts(fromSdk(sdk))).toEqual(facts(event))
  })

  test('the result is an instance that invents no time and writes the one it has unchanged', () => {
    expect(toSdk(testEvent())).toBeInstanceOf(SdkEvent)
    expect(JSON.parse(toSdk(testEvent()).toString())).toEqual({
      specversion: '1.0',
      id: '1',
      source: '/test',
      type: 'test',
    })
    const time = '2018-04-05T17:31:00.123456789+02:00'
    expect(JSON.parse(toSdk(testEvent({ time })).toString()).time).toBe(time)
  })

  test('hostile extension names stay data', () => {
    const sdk = toSdk(testEvent({ validate: 'v', constructor: 'c', emit: 1 }))
    expect(sdk.validate).toBe('v')
    expect(fromSdk(sdk).attributes.get('constructor')).toBe('c')
    expect(JSON.parse(toSdk(testEvent({ validate: 'v' })).toString()).validate).toBe('v')
  })

  test('data_base64 wins over what the SDK makes of it', () => {
    const structured = {
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ ...CORE, data_base64: 'AP8=' }),
    }
    expect(facts(fromSdk(HTTP.toEvent(structured) as SdkEvent)).data).toBe('AP8=')
  })

  test('0.3: base64 data is bytes', () => {
    const event = fromSdk({ ...CORE, specversion: '0.3', datacontentencoding: 'base64', data: 'AP8=' })
    expect(facts(event)).toEqual(facts(createEvent({ ...CORE, specversion: '0.3' }, Buffer.from([0, 255]), 'binary')))
  })

  test('dates and bytes are attributes in their canonical form; undefined and null are none', () => {
    const event = fromSdk({ ...CORE, time: new Date(0), bin: new Uint8Array([1]), subject: undefined, x: null })
    expect(Object.fromEntries(event.attributes)).toEqual({ ...CORE, time: '1970-01-01T00:00:00.000Z', bin: 'AQ==' })
  })

  test.each<[Record<string, unknown>, string]>([
    [{ x: {} }, 'attribute "x" is an object'],
    [{ data: 1n }, "data can't be written as JSON"],
    [{ data: () => 1 }, "data can't be written as JSON: it is a function"],
    [{ datacontenttype: 'text/plain', data: { a: 1 } }, 'data must be a string or bytes under "text/plain"'],
    [{ datacontenttype: 'text/plain', data: '\ud800' }, 'data has a lone surrogate'],
    [{ data_base64: '%' }, 'data_base64 is not base64'],
    [{ data_base64: 5 }, 'data_base64 is not base64'],
    [{ id: '' }, 'attribute "id" must be a non-empty string'],
  ])('refuses %p', (changes, problem) => {
    expect(() => fromSdk({ ...CORE, ...changes })).toThrow(problem)
  })
})

describe('the SDK as another client', () => {
  const json = {
    specversion: '1.0',
    id: 'a-1',
    source: '/shop',
    type: 'order',
    subject: 'x',
    time: '2020-01-01T00:00:00.000Z',
    myext: 'e',
  }

  test('its binary messages are read here', () => {
    const sent = new SdkEvent({ ...json, datacontenttype: 'application/json', data: { a: [1, 'é'] } })
    const event = decodeMessage(HTTP.binary(sent))
    expect(Object.fromEntries(event.attributes)).toEqual({ ...json, datacontenttype: 'application/json' })
    expect(Buffer.from(event.data ?? []).toString()).toBe('{"a":[1,"é"]}')
  })

  test('its structured messages are read here', () => {
    const sent = new SdkEvent({ ...json, n: 5, yes: true, datacontenttype: 'application/json', data: { a: 1 } })
    const event = decodeMessage(HTTP.structured(sent))
    expect(Object.fromEntries(event.attributes)).toEqual({
      ...json,
      n: 5,
      yes: true,
      datacontenttype: 'application/json',
    })
    expect(event.dataKind).toBe('json')
    const bytes = decodeMessage(
      HTTP.structured(new SdkEvent({ ...json, datacontenttype: 'image/png', data: new Uint8Array([0, 255]) })),
    )
    expect([...(bytes.data ?? [])]).toEqual([0, 255])
  })

  test('it reads our binary messages with plain values', () => {
    const { headers, body } = encodeBinary(testJsonEvent({ a: 1 }, { subject: 'x', myext: 'e' }))
    const event = HTTP.toEvent({
      headers: headersOf(headers),
      body: Buffer.from(body ?? []).toString(),
    }) as SdkEvent<unknown>
    expect(event).toMatchObject({ id: '1', source: '/test', type: 'test', subject: 'x', myext: 'e', data: { a: 1 } })
  })

  test('it reads our structured messages under the exact content type it knows', () => {
    fc.assert(
      fc.property(arbitraryEvent({ specversions: ['1.0'], dataKinds: ['text', 'none'] }), (event) => {
        fc.pre(isJsonContentType(event.attributes.get('datacontenttype') as string | undefined) === false)
        const { body, contentType } = encodeStructured(event)
        expect(contentType).toBe('application/cloudevents+json; charset=utf-8')
        const read = HTTP.toEvent({
          headers: { 'content-type': contentType },
          body: body.toString(),
        }) as SdkEvent<unknown>
        expect(read).toMatchObject({ id: event.attributes.get('id'), source: event.attributes.get('source') })
      }),
      { numRuns: 100, seed: 1 },
    )
  })

  test('what we make for it, it sends, and we read', () => {
    const event = testJsonEvent({ a: 1 }, { time: '2020-01-01T00:00:00.000Z', n: 5 })
    expect(facts(decodeMessage(HTTP.structured(toSdk(event)))).data).toBe(facts(event).data)
    expect(decodeMessage(HTTP.structured(toSdk(event))).attributes).toEqual(event.attributes)
    expect(decodeMessage(HTTP.binary(toSdk(event))).attributes.get('n')).toBe('5')
  })
})

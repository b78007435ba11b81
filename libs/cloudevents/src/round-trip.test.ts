import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  attributeText,
  type CloudEvent,
  createEvent,
  decodeHttp,
  encodeBatch,
  encodeBinary,
  encodeStructured,
  isJsonContentType,
  type StructuredMessage,
} from './index.ts'
import { arbitraryEvent, arbitraryText } from './testing.ts'

const RUNS = { numRuns: 300, seed: 1 }

function throughBinary(event: CloudEvent): CloudEvent {
  const { headers, body } = encodeBinary(event)
  return first(decodeHttp(headers, body === undefined ? undefined : Buffer.from(body)).events)
}

function throughStructured(event: CloudEvent): CloudEvent {
  return first(decodeMessage(encodeStructured(event)))
}

function decodeMessage({ contentType, body }: StructuredMessage): readonly CloudEvent[] {
  return decodeHttp(['content-type', contentType], body).events
}

function first(events: readonly CloudEvent[]): CloudEvent {
  return events[0] as CloudEvent
}

/** All there is to an event, comparable. */
function facts({ attributes, data, dataKind }: CloudEvent) {
  return { attributes: [...attributes], data: data && Buffer.from(data).toString('base64'), dataKind }
}

/** What binary mode can carry: canonical strings, content type last, an implied one said, zero bytes as none. */
function binaryFacts(event: CloudEvent) {
  const attributes = [...event.attributes].map(([name, value]): [string, string] => [name, attributeText(value)])
  const rest = attributes.filter(([name]) => name !== 'datacontenttype')
  const implied = event.dataKind === 'json' ? 'application/json' : undefined
  const type = event.attributes.get('datacontenttype') ?? implied
  return {
    attributes: type === undefined ? rest : [...rest, ['datacontenttype', type]],
    data: event.data?.length ? Buffer.from(event.data).toString('base64') : undefined,
    dataKind: undefined,
  }
}

/** JSON in a body may stand between blanks, which an envelope does not keep. */
function withoutOuterBlanks(event: CloudEvent): CloudEvent {
  const { attributes, data, dataKind } = event
  if (!isJsonContentType(attributes.get('datacontenttype') as string | undefined) || data === undefined) return event
  const text = Buffer.from(data).toString('latin1')
  try {
    JSON.parse(Buffer.from(data).toString('utf8'))
  } catch {
    return event
  }
  return { attributes, data: Buffer.from(text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), 'latin1'), dataKind }
}

describe('an event comes back as it was', () => {
  test('from binary mode, but for types of values, zero bytes and the implied content type', () => {
    fc.assert(
      fc.property(arbitraryEvent(), (event) => {
        expect(facts(throughBinary(event))).toEqual(binaryFacts(event))
      }),
      RUNS,
    )
  })

  test('from structured mode, exactly', () => {
    fc.assert(
      fc.property(arbitraryEvent({ dataKinds: ['json', 'text', 'binary', 'none'] }), (event) => {
        // text that its charset spells otherwise can't be told from bytes
        expect(facts(throughStructured(event))).toEqual(facts(event))
      }),
      RUNS,
    )
  })

  test('from binary mode over structured mode and back, but for blanks around JSON', () => {
    fc.assert(
      fc.property(arbitraryEvent(), (event) => {
        const received = throughBinary(event)
        expect(facts(throughBinary(throughStructured(received)))).toEqual(facts(withoutOuterBlanks(received)))
      }),
      RUNS,
    )
  })

  test('from structured mode over binary mode and back, as binary mode carries it', () => {
    fc.assert(
      fc.property(arbitraryEvent({ dataKinds: ['json', 'text', 'binary', 'none'] }), (event) => {
        const back = throughStructured(throughBinary(throughStructured(event)))
        expect({ ...facts(back), dataKind: undefined }).toEqual(binaryFacts(event))
        if (event.dataKind === 'json') expect(back.dataKind).toBe('json')
      }),
      RUNS,
    )
  })

  test('from a batch, exactly and in order', () => {
    const batches = fc.constantFrom('1.0' as const, '0.3' as const).chain((version) =>
      fc.array(arbitraryEvent({ specversions: [version], dataKinds: ['json', 'text', 'binary', 'none'] }), {
        maxLength: 5,
      }),
    )
    fc.assert(
      fc.property(batches, (events) => {
        expect(decodeMessage(encodeBatch(events)).map(facts)).toEqual(events.map(facts))
      }),
      { numRuns: 100, seed: 1 },
    )
  })

  test('what a second hop sends is what the first sent, byte for byte', () => {
    fc.assert(
      fc.property(arbitraryEvent(), (event) => {
        const once = throughStructured(event)
        expect(encodeStructured(throughStructured(once)).body.toString()).toBe(encodeStructured(once).body.toString())
        const binary = throughBinary(event)
        expect(encodeBinary(throughBinary(binary))).toEqual(encodeBinary(binary))
      }),
      RUNS,
    )
  })

  test('header values are printable ASCII without blanks, quotes and stray percent signs', () => {
    fc.assert(
      fc.property(arbitraryText(), (text) => {
        const event = createEvent({ specversion: '1.0', id: '1', source: '/', type: 't', x: text })
        const { headers } = encodeBinary(event)
        expect(headers[headers.indexOf('ce-x') + 1]).toMatch(/^(?:[!#$&-~]|%[0-9A-F]{2})*$/)
      }),
      RUNS,
    )
  })

  test('an envelope is JSON whose members are the attributes', () => {
    fc.assert(
      fc.property(arbitraryEvent(), (event) => {
        const { datacontentencoding, data, data_base64, ...members } = JSON.parse(
          encodeStructured(event).body.toString(),
        )
        expect(members).toEqual(Object.fromEntries(event.attributes))
        expect(data !== undefined && data_base64 !== undefined).toBe(false)
        if (event.attributes.get('specversion') === '1.0') expect(datacontentencoding).toBeUndefined()
        else expect(data_base64).toBeUndefined()
      }),
      RUNS,
    )
  })
})

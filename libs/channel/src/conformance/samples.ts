import type { AttributeValue, CloudEvent } from '@sluice/cloudevents'
import type { Entry } from '../port.ts'

const DATA = Buffer.from('{"a":1}')

export function eventOf(id: string, attributes: Record<string, AttributeValue> = {}, data = DATA): CloudEvent {
  const required = { specversion: '1.0', id, source: '/conformance', type: 'sample' }
  return { attributes: new Map(Object.entries({ ...required, ...attributes })), data, dataKind: undefined }
}

/** An entry whose lane key is its id, unless told. */
export function entryOf(id: string | number, entry: Partial<Entry> = {}): Entry {
  return { event: eventOf(String(id)), laneKey: String(id), ...entry }
}

export function entriesOf(count: number, entry: (i: number) => Partial<Entry> = () => ({})): Entry[] {
  return Array.from({ length: count }, (_, i) => entryOf(i, entry(i)))
}

export function entryOfBytes(id: string | number, bytes: number, entry: Partial<Entry> = {}): Entry {
  return entryOf(id, { event: eventOf(String(id), {}, Buffer.alloc(bytes, id.toString())), ...entry })
}

function odd(
  event: Partial<CloudEvent> & { more?: Record<string, AttributeValue> },
  entry: Partial<Entry> = {},
): Entry {
  const { more, ...rest } = event
  return entryOf('odd', { event: { ...eventOf('odd', more), ...rest }, ...entry })
}

const ODD: readonly (readonly [string, Entry])[] = [
  ['no data', odd({ data: undefined })],
  ['data of no bytes', odd({ data: Buffer.alloc(0) })],
  ['data that is not UTF-8', odd({ data: Buffer.from([0xff, 0xfe, 0, 0xc3, 0x28, 0x80]), dataKind: 'binary' })],
  ['data that is JSON null', odd({ data: Buffer.from('null'), dataKind: 'json' })],
  ['data that is text', odd({ data: Buffer.from(' null '), dataKind: 'text' })],
  ['data of 300 KiB', odd({ data: Buffer.alloc(300 * 1024, 'sluice') })],
  [
    'attributes of every type',
    odd({ more: { big: '123456789012345678901234567890', whole: -42, zero: 0, yes: true, no: false, empty: '' } }),
  ],
  [
    'attributes with odd names and text',
    odd({
      more: {
        constructor: 'c',
        validate: 'v',
        time: '2026-01-01t00:00:00.123456789+01:00',
        subject: 'ä%\u{1f30a}"\n\0',
      },
    }),
  ],
  ['version 0.3', odd({ more: { specversion: '0.3', schemaurl: '' } })],
  ['headers', odd({}, { headers: { traceparent: '00-ab-cd-01', 'x-request-id': '', constructor: 'é' } })],
  ['a stamp', odd({}, { stamp: 4_294_967_297 })],
  ['stamp zero', odd({}, { stamp: 0 })],
  ['an odd lane key', odd({}, { laneKey: 'ключ \0 \u{1f511}' })],
  ['an empty lane key', odd({}, { laneKey: '' })],
  ['a key against repeats', odd({}, { dedupKey: 'log/7 "ключ"' })],
]

/** Entries that a careless store changes, by what is odd about each, with ids of their own. */
export const ODD_ENTRIES: readonly Entry[] = ODD.map(([what, entry], i) => {
  const { event } = entry
  const attributes = new Map(event.attributes).set('id', `${i} ${what}`)
  return { ...entry, event: { ...event, attributes } }
})

import fc, { type Arbitrary } from 'fast-check'
import { textProblem } from './attribute-rules.ts'
import { createEvent } from './create.ts'
import type { AttributeValue, CloudEvent, DataKind } from './event.ts'

/** A small valid event; `changes` add attributes or replace id "1", source "/test", type "test", specversion "1.0". */
export function testEvent(changes: Readonly<Record<string, AttributeValue>> = {}, data?: Uint8Array): CloudEvent {
  return createEvent({ specversion: '1.0', id: '1', source: '/test', type: 'test', ...changes }, data)
}

/** The same with `value` as JSON data, `datacontenttype` application/json. */
export function testJsonEvent(value: unknown, changes: Readonly<Record<string, AttributeValue>> = {}): CloudEvent {
  const attributes = { specversion: '1.0', id: '1', source: '/test', type: 'test', datacontenttype: 'application/json' }
  return createEvent({ ...attributes, ...changes }, Buffer.from(JSON.stringify(value)), 'json')
}

export interface ArbitraryEventOptions {
  /** Default both. */
  readonly specversions?: readonly ('1.0' | '0.3')[]
  /** Data as an envelope gives it, as a binary body gives it (undefined), or none. Default all. */
  readonly dataKinds?: readonly (DataKind | undefined | 'none')[]
  /** Default 6. */
  readonly maxExtensions?: number
}

/** Any valid event: every attribute type, hostile extension names, all Unicode, data of every kind. */
export function arbitraryEvent(options: ArbitraryEventOptions = {}): Arbitrary<CloudEvent> {
  const { specversions = ['1.0', '0.3'], maxExtensions = 6 } = options
  const { dataKinds = ['json', 'text', 'binary', undefined, 'none'] } = options
  return fc
    .constantFrom(...specversions)
    .chain((specversion) =>
      fc.tuple(
        arbitraryCore(specversion),
        fc.dictionary(arbitraryName(), arbitraryValue(), { maxKeys: maxExtensions }),
        fc.constantFrom(...dataKinds).chain(arbitraryData),
        fc.boolean(),
      ),
    )
    .map(([core, extensions, { data, dataKind, datacontenttype }, extensionsFirst]) => {
      const type = datacontenttype === undefined ? {} : { datacontenttype }
      const known = Object.entries({ ...core, ...type }).filter((entry) => entry[1] !== undefined)
      const own = Object.entries(extensions).filter(([name]) => !RESERVED.has(name))
      const entries = (extensionsFirst ? [...own, ...known] : [...known, ...own]) as [string, AttributeValue][]
      return createEvent(entries, data, dataKind)
    })
}

const RESERVED: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'dataschema', 'schemaurl', 'datacontenttype'],
  ...['datacontentencoding', 'data'],
])

function arbitraryCore(specversion: '1.0' | '0.3') {
  return fc.record({
    specversion: fc.constant(specversion),
    id: arbitraryText().filter((text) => text !== ''),
    source: arbitraryUri(),
    type: arbitraryText().filter((text) => text !== ''),
    subject: fc.option(
      arbitraryText().filter((text) => text !== ''),
      { nil: undefined },
    ),
    time: fc.option(arbitraryTime(), { nil: undefined }),
    [specversion === '1.0' ? 'dataschema' : 'schemaurl']: fc.option(
      arbitraryUri().map((path) => `https://x.test${path.startsWith('/') && !path.startsWith('//') ? path : '/s'}`),
      { nil: undefined },
    ),
  })
}

function arbitraryUri(): Arbitrary<string> {
  const named = ['/a', 'urn:x:1', '#f', '//h/p', 'https://u@h.test:80/p?q#f', 'mailto:a@b.test', '/%20b', '/%C3%A9']
  return fc.oneof(
    fc.constantFrom(...named),
    fc.webPath({ size: 'small' }).map((path) => `/p${path}`),
    fc.webUrl({ size: 'small', withQueryParameters: true, withFragments: true }),
  )
}

function arbitraryTime(): Arbitrary<string> {
  const date = fc.date({ min: new Date(0), max: new Date('9000-01-01T00:00:00Z'), noInvalidDate: true })
  const fraction = fc.constantFrom('', '.0', '.000000000', '.123456789', '.1234567890123')
  const zone = fc.constantFrom('Z', 'z', '+00:00', '-00:00', '+14:00', '-09:30')
  return fc
    .tuple(date, fraction, zone, fc.constantFrom('T', 't'))
    .map(([day, digits, offset, t]) => day.toISOString().slice(0, 19).replace('T', t) + digits + offset)
}

function arbitraryName(): Arbitrary<string> {
  const hostile = [
    'constructor',
    'validate',
    'tojson',
    'tostring',
    'valueof',
    'emit',
    'hasownproperty',
    '0',
    '12',
    '1e5',
  ]
  const plain = fc.string({ unit: fc.constantFrom(...'abcxyz0189'), minLength: 1, maxLength: 24 })
  return fc.oneof(fc.constantFrom(...hostile), plain)
}

function arbitraryValue(): Arbitrary<AttributeValue> {
  return fc.oneof(arbitraryText(), fc.integer(), fc.boolean())
}

/** Any String of the CloudEvents type system, among them what looks encoded, quoted, numeric or blank. */
export function arbitraryText(): Arbitrary<string> {
  const tricky = [
    '%',
    '%20',
    '%2',
    '%zz',
    '%C0%A0',
    '"',
    '"quoted"',
    '"a\\"b"',
    ' ',
    ' edge ',
    '5',
    'true',
    'null',
    '€ 😀',
    '\\',
  ]
  return fc
    .oneof(fc.constantFrom(...tricky), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string())
    .filter((text) => textProblem('x', text) === undefined)
}

interface Data {
  readonly data: Uint8Array | undefined
  readonly dataKind: DataKind | undefined
  readonly datacontenttype: string | undefined
}

const JSON_TYPES = [
  'application/json',
  'application/json; charset=UTF-8',
  'text/json',
  'Application/Vnd.X+JSON;v="1;2"',
]
const TEXT_TYPES = [
  'text/plain',
  'text/plain;charset=utf-8',
  'application/xml',
  'IMAGE/SVG+XML',
  'text/csv; header=present',
]
const BINARY_TYPES = ['application/octet-stream', 'image/png', 'application/vnd.apache.thrift.binary']

function arbitraryData(dataKind: DataKind | undefined | 'none'): Arbitrary<Data> {
  const bytes = fc.uint8Array({ maxLength: 64 })
  const any = [undefined, ...JSON_TYPES, ...TEXT_TYPES, ...BINARY_TYPES, 'text/plain; charset=iso-8859-1']
  switch (dataKind) {
    case 'none':
      return dataOf(fc.constant(undefined), undefined, any)
    case 'json':
      return dataOf(arbitraryJson(), 'json', [undefined, ...JSON_TYPES])
    case 'text':
      return dataOf(fc.string({ unit: 'binary' }).map(encode), 'text', [...TEXT_TYPES, ...BINARY_TYPES])
    case 'binary':
      return dataOf(bytes, 'binary', any)
    default:
      return dataOf(fc.oneof(bytes, arbitraryJson(), fc.string({ unit: 'binary' }).map(encode)), undefined, any)
  }
}

function dataOf(
  data: Arbitrary<Uint8Array | undefined>,
  dataKind: DataKind | undefined,
  types: readonly (string | undefined)[],
): Arbitrary<Data> {
  return fc.record({ data, dataKind: fc.constant(dataKind), datacontenttype: fc.constantFrom(...types) })
}

/** JSON text of which a parser would lose something: big numbers, `1.0`, blanks, repeated members. */
function arbitraryJson(): Arbitrary<Uint8Array> {
  const texts = [
    'null',
    '0',
    'false',
    '""',
    '1.0',
    '-0',
    '1e400',
    '12345678901234567890',
    '{ "b":1,\n"a":2, "b":3 }',
    '"\\u00e9\\ud800"',
  ]
  return fc.oneof(fc.constantFrom(...texts), fc.json()).map(encode)
}

function encode(text: string): Uint8Array {
  return Buffer.from(text.isWellFormed() ? text : text.toWellFormed(), 'utf8')
}

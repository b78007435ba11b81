import { describe, expect, test } from '@jest/globals'
import type { AttributeValue, CloudEvent } from '@sluice/cloudevents'
import { MAX_SHOWN_BYTES } from './data-text.ts'
import { display } from './display.ts'

function event(data?: string | Uint8Array, more: Record<string, AttributeValue> = {}): CloudEvent {
  const attributes = { id: '1', source: '/curl', specversion: '1.0', type: 'dev.example', ...more }
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  return { attributes: new Map(Object.entries(attributes)), data: bytes, dataKind: undefined }
}
const shownData = (e: CloudEvent) => display(e).split('Data,\n')[1]

test("the shape is Knative's: attributes in its order, extensions by name, JSON data indented", () => {
  const json = { datacontenttype: 'application/json' }
  const more = {
    ...json,
    time: '2024-01-01T00:00:00Z',
    subject: 's',
    zeta: true,
    knativearrivaltime: 'now',
    answer: 42,
  }
  expect(display(event('{"msg":"hi"}', more))).toBe(`☁️  cloudevents.Event
Context Attributes,
  specversion: 1.0
  type: dev.example
  source: /curl
  subject: s
  id: 1
  time: 2024-01-01T00:00:00Z
  datacontenttype: application/json
Extensions,
  answer: 42
  knativearrivaltime: now
  zeta: true
Data,
  {
    "msg": "hi"
  }
`)
})

test('without extensions and data there are no such sections', () => {
  expect(display(event())).toBe(`☁️  cloudevents.Event
Context Attributes,
  specversion: 1.0
  type: dev.example
  source: /curl
  id: 1
`)
})

describe('data', () => {
  const xml = { datacontenttype: 'application/xml' }

  test('numbers of JSON are shown as they were written', () => {
    expect(shownData(event('[12345678901234567890,1.0,1e999,-0]'))).toBe(
      '  [\n    12345678901234567890,\n    1.0,\n    1e999,\n    -0\n  ]\n',
    )
  })

  test('what claims to be JSON and is not is shown as it is', () => {
    expect(shownData(event('{nope'))).toBe('  {nope\n')
  })

  test('deep nesting is shown as it is', () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    expect(shownData(event(deep))).toBe(`  ${deep}\n`)
  })

  test('text keeps its lines', () => {
    expect(shownData(event('<a>\n\t<b/>\r\n</a>', xml))).toBe('  <a>\n  \t<b/>\n  </a>\n')
  })

  test('binary is shown as its size', () => {
    expect(shownData(event(Uint8Array.of(0x89, 0x50, 0x4e, 0x47)))).toBe('  (4 bytes of binary data)\n')
    expect(shownData(event('a\0b'))).toBe('  (3 bytes of binary data)\n')
  })

  test('beyond 64 KiB it is cut, between characters, and says how much is missing', () => {
    const shown = shownData(event(`x${'é'.repeat(MAX_SHOWN_BYTES / 2)}`, xml))
    expect(shown).toBe(`  x${'é'.repeat(MAX_SHOWN_BYTES / 2 - 1)}\n  … (1 bytes more)\n`)
  })
})

test.each([
  ['\u001b[2J', '\\u001b[2J'],
  ['a\rb', 'a\\u000db'],
  ['\u009b31m', '\\u009b31m'],
  ['\u202egnp.exe', '\\u202egnp.exe'],
])('what could steer a terminal is written out: %j', (hostile, harmless) => {
  const shown = display(event(hostile, { datacontenttype: 'text/plain', subject: `${hostile}\n` }))
  expect(shown).toContain(`  subject: ${harmless}\\u000a\n`)
  expect(shown).toContain(`Data,\n  ${harmless}\n`)
})

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decodeHttp, encodeBinary, encodeStructured, eventBytes } from './index.ts'

const RUNS = { numRuns: 2000, seed: 1 }
const REQUIRED = ['ce-specversion', '1.0', 'ce-id', '1', 'ce-source', '/s', 'ce-type', 't']
const latin1 = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

/** Either EVENT_INVALID in printable ASCII, or an event that can be sent on. */
function survives(rawHeaders: readonly string[], body: Buffer | undefined): boolean {
  let events: ReturnType<typeof decodeHttp>['events']
  try {
    events = decodeHttp(rawHeaders, body).events
  } catch (error) {
    const { name, message, detail } = error as Error & { detail: { code: string; problem: string } }
    expect([name, detail?.code]).toEqual(['EventingError', 'EVENT_INVALID'])
    expect(message).toMatch(/^[ -~]{1,500}$/)
    return false
  }
  for (const event of events) {
    expect(eventBytes(event)).toBeGreaterThan(0)
    const { headers, body: sent } = encodeBinary(event)
    decodeHttp(headers, sent && Buffer.from(sent))
    const { contentType, body: envelope } = encodeStructured(event)
    decodeHttp(['content-type', contentType], envelope)
  }
  return true
}

test('random headers end in an event or in EVENT_INVALID', () => {
  const name = fc.oneof(
    latin1,
    fc.constantFrom('ce-id', 'CE-time', 'ce-source', 'ce-dataschema', 'ce-x', 'content-type'),
  )
  const value = fc.oneof(
    latin1,
    fc.constantFrom('%', '"', '"\\', '%f0%9f', 'application/cloudevents+json', 'a/b;charset="'),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), fc.boolean(), (headers, complete) => {
      survives([...(complete ? REQUIRED : []), ...headers.flat()], Buffer.from('{}'))
    }),
    RUNS,
  )
})

test('random bytes as a structured or batched body end in an event or in EVENT_INVALID', () => {
  const type = fc.constantFrom('application/cloudevents+json', 'application/cloudevents-batch+json')
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 200 }), (contentType, bytes) => {
      survives(['content-type', contentType], Buffer.from(bytes))
    }),
    RUNS,
  )
})

test('a valid envelope with bytes changed, cut or repeated ends in an event or in EVENT_INVALID', () => {
  const valid = Buffer.from(
    '{"specversion":"1.0","id":"\\u0031","source":"/s","type":"t","time":"2018-04-05T17:31:00Z","n":1,"b":true,' +
      '"datacontenttype":"text/json; charset=utf-8","x":null,"data":[{"a":[1.5e-3,"\\n€",{}]},null,false]}',
  )
  const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255))
  const tally = { accepted: 0, refused: 0 }
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 3 }),
      fc.nat(valid.length),
      fc.nat(valid.length),
      (changes, cut, from) => {
        const bytes = Buffer.from(valid)
        for (const [at, byte] of changes) bytes[at] = byte
        const body = cut % 5 === 0 ? Buffer.concat([bytes.subarray(0, cut), bytes.subarray(from)]) : bytes
        tally[survives(['content-type', 'application/cloudevents+json'], body) ? 'accepted' : 'refused']++
      },
    ),
    RUNS,
  )
  expect(Math.min(tally.accepted, tally.refused)).toBeGreaterThan(100)
})

test('what the scanner takes for JSON is what JSON.parse takes for JSON', () => {
  const token = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '\\',
    '1',
    '-',
    '0',
    '.5',
    'e+1',
    'true',
    'nul',
    'null',
    ' ',
    '\n',
    '\u0001',
    'é',
  )
  const text = fc.oneof(
    fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join('')),
    fc.json(),
  )
  fc.assert(
    fc.property(text, (data) => {
      const body = Buffer.from(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${data}}`)
      let parsed: Record<string, unknown> | undefined
      try {
        parsed = JSON.parse(body.toString())
      } catch {}
      const members = parsed === undefined ? [] : Object.keys(parsed)
      if (members.length > 5) return // the tokens closed data and began another member
      expect(survives(['content-type', 'application/cloudevents+json'], body)).toBe(parsed !== undefined)
    }),
    { numRuns: 5000, seed: 1 },
  )
})

test('long hostile values take no more than linear time', () => {
  const n = 200_000
  const before = process.cpuUsage()
  const attempts = [
    '%'.repeat(n),
    '"\\'.repeat(n),
    'é'.repeat(n),
    ':'.repeat(n),
    '/%41'.repeat(n),
    `//${'['.repeat(n)}`,
  ]
  for (const value of attempts) {
    for (const name of ['ce-source', 'ce-x', 'ce-time', 'ce-dataschema'])
      survives([...REQUIRED, name, value], undefined)
  }
  const types = [
    ';a="'.repeat(n),
    `a/b${';a="\\"'.repeat(n)}`,
    `a/b${'; '.repeat(n)}`,
    `application/cloudevents+json${';='.repeat(n)}`,
  ]
  for (const type of types) survives([...REQUIRED, 'content-type', type], Buffer.from('x'))
  expect(process.cpuUsage(before).user).toBeLessThan(5_000_000)
})

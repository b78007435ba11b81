import { describe, expect, test } from '@jest/globals'
import { BATCH_TYPE, decodeHttp, EVENT_TYPE } from './index.ts'

const REQUIRED = '"specversion":"1.0","id":"1","source":"/s","type":"t"'
const REQUIRED_03 = REQUIRED.replace('1.0', '0.3')

function decodeText(text: string | Buffer, type = EVENT_TYPE) {
  return decodeHttp(['Content-Type', type], Buffer.from(text as string)).events
}

function decode(members: string, required = REQUIRED) {
  const event = decodeText(`{${required}${members === '' ? '' : `,${members}`}}`)[0]
  if (event === undefined) throw new Error('no event')
  return event
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

const textOf = (data: Uint8Array | undefined) => data && Buffer.from(data).toString('utf8')

describe('decodeHttp, structured mode', () => {
  test('keeps the type of each attribute and takes null for absent', () => {
    const event = decode('"n":-2147483648,"z":-0,"yes":true,"no":false,"s":"5","subject":null,"time":null,"gone":null')
    expect(Object.fromEntries(event.attributes)).toEqual({
      ...{ specversion: '1.0', id: '1', source: '/s', type: 't' },
      ...{ n: -2147483648, z: 0, yes: true, no: false, s: '5' },
    })
    expect(event.data).toBeUndefined()
  })

  test.each([
    'null',
    '0',
    'false',
    '""',
    '1.0',
    '-0',
    '1e400',
    '12345678901234567890',
    '[ 1 , 2 ]',
    '{"b":1,"a":2,"b":3}',
    '"\\u00e9\\ud800\\/"',
    '[[],{}]',
  ])('JSON data %s stays byte for byte', (text) => {
    for (const type of ['', '"datacontenttype":"application/json",', '"datacontenttype":"Text/X+JSON; a=b",']) {
      const event = decode(`${type}"data": ${text} ,"last":"x"`)
      expect(textOf(event.data)).toBe(text)
      expect(event.dataKind).toBe('json')
      expect(event.attributes.get('last')).toBe('x')
    }
  })

  test('data before its content type is read by it all the same', () => {
    const event = decodeText(`{"data":"a\\nb €","datacontenttype":"text/plain",${REQUIRED}}`)[0]
    expect(textOf(event?.data)).toBe('a\nb €')
    expect(event?.dataKind).toBe('text')
  })

  test('data_base64 is bytes and invents no content type', () => {
    const event = decode('"data_base64":"AP8\\/"')
    expect([...(event.data ?? [])]).toEqual([0, 255, 63])
    expect(event.dataKind).toBe('binary')
    expect(event.attributes.has('datacontenttype')).toBe(false)
    expect(decode('"data_base64":""').data?.length).toBe(0)
    expect(decode('"data":1,"data_base64":null').dataKind).toBe('json')
  })

  test('0.3: data under datacontentencoding base64 is bytes; elsewhere the member means nothing', () => {
    const event = decode('"datacontentencoding":"Base64","data":"AQID","schemaurl":"https://x"', REQUIRED_03)
    expect([...(event.data ?? [])]).toEqual([1, 2, 3])
    expect(event.dataKind).toBe('binary')
    expect(event.attributes.has('datacontentencoding')).toBe(false)
    expect(textOf(decode('"datacontentencoding":"base64","data":{"a":1}', REQUIRED_03).data)).toBe('{"a":1}')
    expect(textOf(decode('"datacontentencoding":"base64","data":"AQID"').data)).toBe('"AQID"')
  })

  test('text in another charset passes while it is ASCII', () => {
    expect(textOf(decode('"datacontenttype":"text/plain; charset=iso-8859-1","data":"abc"').data)).toBe('abc')
  })

  test('a byte order mark before the event is skipped', () => {
    expect(decodeText(`\ufeff {${REQUIRED}} \r\n\t`)[0]?.attributes.get('id')).toBe('1')
  })

  test('names and values may be escaped, and are what they spell', () => {
    expect(decode('"\\u0078":"\\ud83d\\ude00 \\" \\u0025"').attributes.get('x')).toBe('😀 " %')
  })

  test.each(['validate', 'constructor', 'tojson', 'valueof', '0'])('an extension named %s is one', (name) => {
    expect(decode(`"${name}":1`).attributes.get(name)).toBe(1)
  })

  test('a million nested arrays in data cost no stack', () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000)
    expect(decode(`"data":${deep}`).data?.length).toBe(1_000_000)
    expect(problem(() => decode(`"data":${'[{"a":'.repeat(100_000)}`))).toMatch(/^malformed JSON at byte \d+: /)
    expect(problem(() => decode(`"x":${'['.repeat(500_000)}`))).toBe(
      'attribute "x" is an array: only strings, integers, booleans',
    )
  })

  test.each([
    ['"id":"2"', 'member "id" is given twice'],
    ['"x":null,"x":1', 'member "x" is given twice'],
    ['"data":1,"data":1', 'member "data" is given twice'],
    ['"data_base64":null,"data_base64":""', 'member "data_base64" is given twice'],
    ['"data":null,"data_base64":"AA=="', '"data" and "data_base64" must not both be given'],
    ['"data_base64":"AA"', '"data_base64" is not base64 (RFC 4648, padded)'],
    ['"data_base64":"A-_A"', '"data_base64" is not base64 (RFC 4648, padded)'],
    ['"data_base64":"AAAA\\n"', '"data_base64" is not base64 (RFC 4648, padded)'],
    ['"data_base64":5', '"data_base64" must be a string of base64'],
    [
      '"datacontenttype":"text/plain","data":5',
      '"data" must be a string under datacontenttype "text/plain", or "data_base64"',
    ],
    ['"datacontenttype":"text/plain","data":"\\ud800"', '"data" has a lone surrogate, which no UTF-8 text can hold'],
    [
      '"datacontenttype":"text/plain;charset=utf-16","data":"a"',
      '"data" under datacontenttype "text/plain;charset=utf-16" must be sent as "data_base64"',
    ],
    [
      '"datacontenttype":"text/plain;charset=latin1","data":"é"',
      '"data" under datacontenttype "text/plain;charset=latin1" must be sent as "data_base64"',
    ],
    ['"datacontenttype":"xyz"', 'attribute "datacontenttype" is not a media type: "xyz"'],
    ['"datacontenttype":""', 'attribute "datacontenttype" is not a media type: ""'],
    ['"dataschema":""', 'attribute "dataschema" is not an absolute URI: ""'],
    ['"subject":5', 'attribute "subject" must be a non-empty string, not 5'],
    ['"time":5', 'attribute "time" is not an RFC 3339 timestamp: 5'],
    ['"time":"2018-04-05T18:31Z"', 'attribute "time" is not an RFC 3339 timestamp: "2018-04-05T18:31Z"'],
    ['"x":[1]', 'attribute "x" is an array: only strings, integers, booleans'],
    ['"x":{}', 'attribute "x" is an object: only strings, integers, booleans'],
    ['"x":1.5', 'attribute "x" is "1.5": numbers must be integers from -2147483648 to 2147483647'],
    ['"x":1.0', 'attribute "x" is "1.0": numbers must be integers from -2147483648 to 2147483647'],
    ['"x":1e2', 'attribute "x" is "1e2": numbers must be integers from -2147483648 to 2147483647'],
    ['"x":2147483648', 'attribute "x" is 2147483648: numbers must be integers from -2147483648 to 2147483647'],
    [
      '"x":12345678901234567890',
      'attribute "x" is "12345678901234567890": numbers must be integers from -2147483648 to 2147483647',
    ],
    ['"MyExt":"x"', 'attribute name "MyExt" has characters other than a-z and 0-9'],
    ['"my.ext":1.5', 'attribute name "my.ext" has characters other than a-z and 0-9'],
    ['"__proto__":"x"', 'attribute name "__proto__" has characters other than a-z and 0-9'],
    ['"é":"x"', 'attribute name "\\u00e9" has characters other than a-z and 0-9'],
    ['"":"x"', 'an attribute name is empty'],
    ['"x":"\\ud800"', 'attribute "x" has the lone surrogate U+D800'],
    ['"x":"\\udc00a"', 'attribute "x" has the lone surrogate U+DC00'],
    ['"x":"\\u0000"', 'attribute "x" has the control character U+0000'],
    ['"x":"\\ufdef"', 'attribute "x" has the noncharacter U+FDEF'],
  ])('%s is refused', (members, expected) => {
    expect(problem(() => decode(members))).toBe(expected)
  })

  test.each([
    [`{${REQUIRED.replace('"id":"1"', '"id":25')}}`, 'attribute "id" must be a non-empty string, not 25'],
    [`{${REQUIRED.replace('"id":"1"', '"id":null')}}`, 'required but missing: id'],
    ['{}', 'required but missing: specversion, id, source, type'],
    [`{${REQUIRED.replace('1.0', '0.9')}}`, 'attribute "specversion" is "0.9": only "1.0" and "0.3" are supported'],
    [
      `{${REQUIRED_03},"data_base64":"AAAA"}`,
      'specversion 0.3 has no "data_base64": send "data" with "datacontentencoding": "base64"',
    ],
    [`{${REQUIRED_03},"datacontentencoding":"base64","data":"%"}`, '"data" is not base64 (RFC 4648, padded)'],
    ['', 'the body of the event is empty'],
    [' \n', 'the body of the event is empty'],
    ['[]', 'an event must be a JSON object, not an array'],
    ['"x"', 'an event must be a JSON object, not a string'],
    ['null', 'an event must be a JSON object, not null'],
    ['17', 'an event must be a JSON object, not a bare value'],
    ['{"id":"1"', "malformed JSON at byte 9: expected '}'"],
    ['{"id":"1",}', 'malformed JSON at byte 10: expected a string'],
    ['{"id" "1"}', "malformed JSON at byte 6: expected ':'"],
    ['{id:1}', 'malformed JSON at byte 1: expected a string'],
    ['{"id":"1', 'malformed JSON at byte 8: unterminated string'],
    ['{"id":"\n"}', 'malformed JSON at byte 7: control character in a string'],
    ['{"id":"\\x"}', 'malformed JSON at byte 7: invalid escape in a string'],
    ['{"id":"\\u12g4"}', 'malformed JSON at byte 7: invalid escape in a string'],
    ['{"x":01}', "malformed JSON at byte 6: expected '}'"],
    ['{"x":-}', 'malformed JSON at byte 6: malformed number'],
    ['{"x":1.}', 'malformed JSON at byte 7: malformed number'],
    ['{"x":tru}', 'malformed JSON at byte 5: expected a value'],
    ['{"data":[1,]}', 'malformed JSON at byte 11: expected a value'],
    ['{"data":[1 2]}', "malformed JSON at byte 11: expected ',' or ']'"],
    ['{"data":{"a":1,}}', 'malformed JSON at byte 15: expected a member name in quotes'],
    ['{"data":{"a"}}', "malformed JSON at byte 12: expected ':'"],
    ['{"data":[1}}', "malformed JSON at byte 10: expected ',' or ']'"],
    ['{"data":', 'malformed JSON at byte 8: unexpected end'],
    ['{"data":NaN}', 'malformed JSON at byte 8: expected a value'],
    [`{${REQUIRED}} x`, `malformed JSON at byte ${REQUIRED.length + 3}: unexpected text after the event`],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'the body of the event is not UTF-8'],
  ])('body %j is refused', (text, expected) => {
    expect(problem(() => decodeText(text))).toBe(expected)
  })
})

describe('decodeHttp, batched mode', () => {
  test('an empty batch is valid', () => {
    expect(decodeText(' [ ] ', BATCH_TYPE)).toEqual([])
  })

  test('events come in order, with data that does not hold on to the body', () => {
    const events = decodeText(`[{${REQUIRED},"data":1},{${REQUIRED.replace('"1"', '"2"')},"data":[2]}]`, BATCH_TYPE)
    expect(events.map((event) => [event.attributes.get('id'), textOf(event.data)])).toEqual([
      ['1', '1'],
      ['2', '[2]'],
    ])
  })

  test.each([
    [`[{${REQUIRED}},{"id":"2"}]`, 'event 1 of the batch: required but missing: specversion, source, type'],
    [`[{${REQUIRED}},{${REQUIRED_03}}]`, 'event 1 of the batch: all events of a batch must have the same specversion'],
    ['[1]', 'event 0 of the batch: an event must be a JSON object, not a bare value'],
    [`{${REQUIRED}}`, 'a batch must be a JSON array, not an object'],
    [`[{${REQUIRED}}`, `malformed JSON at byte ${REQUIRED.length + 3}: expected ']'`],
    [`[{${REQUIRED}},]`, 'event 1 of the batch: an event must be a JSON object, not a bare value'],
    ['[] []', 'malformed JSON at byte 3: unexpected text after the batch'],
    ['', 'the body of the batch is empty'],
  ])('%s is refused', (text, expected) => {
    expect(problem(() => decodeText(text, BATCH_TYPE))).toBe(expected)
  })
})

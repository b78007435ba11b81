import { expect, test } from '@jest/globals'
import { parseExactly } from './exact-json.ts'

test.each([
  '{"a":9007199254740993,"b":[-18446744073709551615],"c":{"d":12}}',
  '{"a":"9007199254740993","b":null,"c":[true]}',
  '{"a":0.1234567890123456}',
  '{"a":1}',
])('JSON leaves as it came, integers beyond a double included: %s', (text) => {
  expect(JSON.stringify(parseExactly(text))).toBe(text)
})

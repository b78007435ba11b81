import { describe, expect, test } from '@jest/globals'
import { charsetOf, isJsonContentType, isMediaType } from './media-type.ts'
import { isTimestamp } from './timestamp.ts'
import { isAbsoluteUri, isUriReference } from './uri.ts'

describe('source and dataschema', () => {
  test.each([
    '/',
    'a',
    '.',
    '?',
    '#',
    '#f',
    '//h',
    '//h:80/p',
    '//[::1]:8080',
    'urn:a:b',
    'https://u:p@h.test:/p/q?r=/?&s#t/?',
    'mailto:a@b',
    './a:b',
    '/a:b',
    '?a:b',
    '#a:b',
    '/%20%aF',
    "a;b=1,2!$&'()*+~_-.",
    'x:',
    'http://[v1.a:b]/',
    'A+-.9:z',
    '//',
    '//@',
    '///',
    'file:///etc',
  ])('%s is a URI-reference', (text) => {
    expect(isUriReference(text)).toBe(true)
  })

  test.each([
    '',
    ' ',
    'a b',
    '/é',
    '/%',
    '/%2',
    '/%zz',
    '/a%2',
    '1:a',
    ':a',
    'a_b:c',
    '#a#b',
    '/[',
    'a]',
    '//[::1',
    '//[]',
    '//[::1]x',
    '//h:8a',
    '//a:b:c',
    '//a@b@c',
    '/a?[',
    '/a#]',
    '//a[b]',
    '<x>',
    '{x}',
    '"x"',
    'a\\b',
    'a|b',
    '^',
    '`',
    '\u007f',
  ])('%j is none', (text) => {
    expect(isUriReference(text)).toBe(false)
  })

  test('an absolute URI has a scheme', () => {
    expect(['https://x/y', 'urn:x', 'a:', 'https://json-schema.org/schema#'].every(isAbsoluteUri)).toBe(true)
    expect(['', '/x', 'x', '//h/p', ':x', '1a:b', 'https://a b'].some(isAbsoluteUri)).toBe(false)
  })
})

describe('time', () => {
  test.each([
    '2018-04-05T17:31:00Z',
    '2018-04-05t17:31:00z',
    '2018-04-05T17:31:00.000000000000Z',
    '2018-04-05T18:31:00+01:00',
    '0000-01-01T00:00:00-00:00',
    '2020-02-29T00:00:00Z',
    '2000-02-29T00:00:00Z',
    '9999-12-31T23:59:59.9+23:59',
    '1990-12-31T23:59:60Z',
    '1990-12-31T15:59:60-08:00',
    '1991-01-01T05:29:60.5+05:30',
  ])('%s is a timestamp', (text) => {
    expect(isTimestamp(text)).toBe(true)
  })

  test.each([
    '',
    'lunchtime',
    '2018-04-05',
    '2018-04-05T18:31Z',
    '2018-04-05T18:31:00',
    '2018-04-05T18:31:00X',
    '2018-04-05T18:31:00+25:00',
    '2018-04-05T18:31:00+05:60',
    '2018-04-05T18:31:00+xx:00',
    '2018-04-05T18:31:00+05',
    '2018-04-05T18:31:00+0500',
    '2018-04-05 18:31:00Z',
    '2018-4-05T18:31:00Z',
    '2018-13-05T18:31:00Z',
    '2018-00-05T18:31:00Z',
    '2018-02-29T18:31:00Z',
    '1900-02-29T18:31:00Z',
    '2018-04-31T18:31:00Z',
    '2018-04-00T18:31:00Z',
    '2018-04-05T24:00:00Z',
    '2018-04-05T18:60:00Z',
    '2018-04-05T18:31:60Z',
    '2018-04-05T23:59:61Z',
    '2018-04-05T18:31:00.Z',
    '2018-04-05T18:31:00,5Z',
    '2018-04-05T18:31:00ZZ',
    '+018-04-05T18:31:00Z',
    '2018/04/05T18:31:00Z',
    '2018-04-05T18.31.00Z',
    ' 2018-04-05T18:31:00Z',
    '１018-04-05T18:31:00Z',
  ])('%j is none', (text) => {
    expect(isTimestamp(text)).toBe(false)
  })
})

describe('datacontenttype', () => {
  test.each([
    'a/b',
    'text/plain',
    'Text/Plain ; charset=utf-8',
    'application/vnd.x+json;v="1;2"',
    "a/!#$&'*+-^_`|~.9",
    'a/b;',
  ])('%s is a media type', (text) => {
    expect(isMediaType(text)).toBe(true)
  })

  test.each([
    '',
    'xyz',
    '/',
    'a/',
    '/b',
    'a/b/c',
    'a b/c',
    'a/b c',
    'a/b, c/d',
    'a/é',
    'a/b; c=é',
    'a/b\t;c=d',
    '(a)/b',
    ';a/b',
  ])('%j is none', (text) => {
    expect(isMediaType(text)).toBe(false)
  })

  test('JSON is none at all, a subtype json, or a suffix +json, in any case', () => {
    expect([undefined, 'application/json', 'TEXT/JSON;a=b', 'a/b+Json ; c'].every(isJsonContentType)).toBe(true)
    expect(
      ['text/plain', 'application/jsonx', 'application/x-json', 'json/x', 'a/b;c=/json', 'a/json+xml'].some(
        isJsonContentType,
      ),
    ).toBe(false)
  })

  test.each([
    ['a/b', undefined],
    ['a/b;charset=UTF-8', 'utf-8'],
    ['a/b; x=1 ; Charset = "Utf-8" ; y', 'utf-8'],
    ['a/b; x=";charset=no"; charset=yes', 'yes'],
    ['a/b; x="\\";charset=no"; charset="y\\es"', 'yes'],
    ['a/b; charset; charset=1', '1'],
    ['a/b; xcharset=1', undefined],
    ['a/b; charset=', ''],
    ['a/b; x="open; charset=1', undefined],
  ])('the charset of %s is %s', (text, charset) => {
    expect(charsetOf(text)).toBe(charset)
  })
})

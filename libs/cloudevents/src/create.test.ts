import { describe, expect, test } from '@jest/globals'
import { createEvent, eventBytes, withAttributes } from './index.ts'
import { testEvent } from './testing.ts'

const REQUIRED = { specversion: '1.0', id: '1', source: '/s', type: 't' }

describe('createEvent', () => {
  test('takes a record or entries and keeps their order', () => {
    const entries = Object.entries({ ...REQUIRED, n: 1, yes: true })
    expect([...createEvent(new Map(entries)).attributes]).toEqual(entries)
    expect([...createEvent(Object.fromEntries(entries)).attributes]).toEqual(entries)
  })

  test('no data is not zero bytes', () => {
    expect(createEvent(REQUIRED).data).toBeUndefined()
    expect(createEvent(REQUIRED, new Uint8Array(0)).data?.length).toBe(0)
    expect(createEvent(REQUIRED, undefined, 'json').dataKind).toBeUndefined()
  })

  test.each<[Record<string, unknown>, string]>([
    [{ id: '' }, 'attribute "id" must be a non-empty string, not ""'],
    [{ source: 'a b' }, 'attribute "source" is not a URI-reference: "a b"'],
    [{ x: 1.5 }, 'attribute "x" is 1.5: numbers must be integers from -2147483648 to 2147483647'],
    [{ x: Number.NaN }, 'attribute "x" is NaN: numbers must be integers from -2147483648 to 2147483647'],
    [{ x: 2 ** 31 }, 'attribute "x" is 2147483648: numbers must be integers from -2147483648 to 2147483647'],
    [{ x: {} }, 'attribute "x" is an object: only strings, integers, booleans'],
    [{ x: null }, 'attribute "x" is null: only strings, integers, booleans'],
    [{ x: undefined }, 'attribute "x" is undefined: only strings, integers, booleans'],
    [{ x: 1n }, 'attribute "x" is 1: only strings, integers, booleans'],
    [{ x: '\ud800' }, 'attribute "x" has the lone surrogate U+D800'],
    [{ X: '' }, 'attribute name "X" has characters other than a-z and 0-9'],
    [{ data: 'x' }, 'an attribute must not be named "data"'],
    [{ dataschema: '' }, 'attribute "dataschema" is not an absolute URI: ""'],
    [{ dataschema: 5 }, 'attribute "dataschema" is not an absolute URI: 5'],
  ])('refuses %p', (changes, problem) => {
    expect(() => createEvent({ ...REQUIRED, ...(changes as Record<string, string>) })).toThrow(problem)
  })

  test('refuses a name given twice, what is missing, and data that is not of its kind', () => {
    expect(() => createEvent([...Object.entries(REQUIRED), ['id', '2']])).toThrow('attribute "id" is given twice')
    expect(() => createEvent({ id: '1' })).toThrow('required but missing: specversion, source, type')
    expect(() => createEvent(REQUIRED, Buffer.from('{'), 'json')).toThrow(
      'data of kind "json" is not JSON text in UTF-8',
    )
    expect(() => createEvent(REQUIRED, Buffer.from([0xff]), 'text')).toThrow('data of kind "text" is not UTF-8')
  })
})

describe('withAttributes', () => {
  const event = createEvent({ ...REQUIRED, x: 1 }, Buffer.from('1'), 'json')

  test('sets in place, adds at the end, removes, shares data and leaves the event alone', () => {
    const changed = withAttributes(event, { id: '2', x: undefined, y: true })
    expect([...changed.attributes]).toEqual([...Object.entries({ ...REQUIRED, id: '2' }), ['y', true]])
    expect(changed.data).toBe(event.data)
    expect(changed.dataKind).toBe('json')
    expect(event.attributes.get('id')).toBe('1')
    expect(withAttributes(event, { nothere: undefined }).attributes).toEqual(event.attributes)
  })

  test('refuses what would make the event invalid', () => {
    expect(() => withAttributes(event, { id: undefined })).toThrow('required but missing: id')
    expect(() => withAttributes(event, { time: 'now' })).toThrow('attribute "time" is not an RFC 3339 timestamp')
    expect(() => withAttributes(event, { dataschema: 'x' })).toThrow('attribute "dataschema" is not an absolute URI')
    expect(() => withAttributes(event, { Bad: '' })).toThrow('attribute name "Bad"')
    const old = testEvent({ specversion: '0.3', dataschema: 'an extension' })
    expect(() => withAttributes(old, { specversion: '1.0' })).toThrow('attribute "dataschema" is not an absolute URI')
  })
})

describe('eventBytes', () => {
  test('counts names, canonical values in UTF-8, and data', () => {
    const names = 'specversionidsourcetype'.length + '1.01/testtest'.length
    expect(eventBytes(testEvent())).toBe(names)
    expect(eventBytes(testEvent({ n: -10, b: true, s: 'é😀' }, Buffer.alloc(1000)))).toBe(names + 4 + 5 + 7 + 1000)
  })
})

import { describe, expect, test } from '@jest/globals'
import type { Envelope } from '@sluice/channel'
import type { AttributeValue } from '@sluice/cloudevents'
import fc from 'fast-check'
import { decodeFrame, Slab } from './frame.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const names = ['id', 'source', 'type', 'constructor', 'toString', 'x1', 'subject', 'time']
const value: fc.Arbitrary<AttributeValue> = fc.oneof(text, fc.integer(), fc.boolean())
const envelopes: fc.Arbitrary<{ envelope: Envelope; dedupKey: string | undefined }> = fc.record({
  envelope: fc.record({
    event: fc
      .record({
        attributes: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name }),
        data: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
        dataKind: fc.constantFrom(undefined, 'json' as const, 'text' as const, 'binary' as const),
      })
      .map(({ attributes, data, dataKind }) => ({
        attributes: new Map(attributes),
        data: data === undefined ? undefined : Buffer.from(data),
        dataKind,
      })),
    headers: fc.option(fc.constant({ traceparent: '00-ab-cd-01', 'x-request-id': '', constructor: 'é' }), {
      nil: undefined,
    }),
    stamp: fc.option(fc.nat(2 ** 40), { nil: undefined }),
    laneKey: text,
  }),
  dedupKey: fc.option(text, { nil: undefined }),
})

function frameOf(envelope: Envelope, dedupKey?: string): Buffer {
  const slab = new Slab(16)
  const length = slab.write(envelope, dedupKey)
  return Buffer.from(slab.bytes.subarray(0, length))
}

const SAMPLE: Envelope = {
  event: { attributes: new Map([['id', '1']]), data: Buffer.from('data'), dataKind: 'text' },
  headers: { a: 'b' },
  stamp: 7,
  laneKey: 'lane',
}

describe('a frame', () => {
  test('gives back every envelope as it was, wherever it lies in the slab', () => {
    fc.assert(
      fc.property(fc.array(envelopes, { minLength: 1, maxLength: 8 }), fc.nat(200), (many, room) => {
        const slab = new Slab(room)
        const places = many.map(({ envelope, dedupKey }) => {
          const offset = slab.length
          return { offset, length: slab.write(envelope, dedupKey) }
        })
        expect(slab.length).toBe(places.reduce((sum, { length }) => sum + length, 0))
        many.forEach((one, i) => {
          const { offset, length } = places[i] as { offset: number; length: number }
          expect(decodeFrame(slab.bytes.subarray(offset, offset + length))).toEqual(one)
        })
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('tells no data from data of no bytes', () => {
    for (const data of [undefined, Buffer.alloc(0)]) {
      const { envelope } = decodeFrame(frameOf({ ...SAMPLE, event: { ...SAMPLE.event, data } }))
      expect(envelope.event.data).toEqual(data)
    }
  })

  test('is decoded into a copy: what becomes of its page changes nothing', () => {
    const frame = frameOf(SAMPLE)
    const { envelope } = decodeFrame(frame)
    frame.fill(0)
    expect(String(envelope.event.data)).toBe('data')
  })

  test('that is cut within its words, or lies about their length, is refused', () => {
    const frame = frameOf(SAMPLE)
    const metaEnd = 4 + frame.readUInt32LE(0)
    for (let length = 0; length < metaEnd; length++) expect(() => decodeFrame(frame.subarray(0, length))).toThrow()
    const lying = Buffer.from(frame)
    lying.writeUInt32LE(0xffffffff, 0)
    expect(() => decodeFrame(lying)).toThrow()
  })

  test('of another format is refused, not misread', () => {
    const frame = frameOf(SAMPLE)
    frame.write('[2,', 4)
    expect(() => decodeFrame(frame)).toThrow('unknown format 2')
  })

  test('of any other bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => decodeFrame(Buffer.from(bytes))).toThrow()
      }),
      { seed: 1, numRuns: 500 },
    )
    for (const words of ['null', '1', '[]', '[1]', '{"0":1}']) {
      const frame = Buffer.concat([Buffer.alloc(4), Buffer.from(words)])
      frame.writeUInt32LE(words.length, 0)
      expect(() => decodeFrame(frame)).toThrow()
    }
  })
})

describe('a slab', () => {
  test('grows to what is written, and keeps what it held', () => {
    const slab = new Slab(8)
    const lengths = [10, 1_000, 100_000].map((bytes) =>
      slab.write({ ...SAMPLE, event: { ...SAMPLE.event, data: Buffer.alloc(bytes, 'x') } }, undefined),
    )
    expect(slab.bytes.length).toBeGreaterThanOrEqual(slab.length)
    let offset = 0
    for (const [i, length] of lengths.entries()) {
      const { envelope } = decodeFrame(slab.bytes.subarray(offset, offset + length))
      expect(envelope.event.data).toHaveLength([10, 1_000, 100_000][i] as number)
      offset += length
    }
  })

  test('has room for text that takes three bytes a letter', () => {
    const laneKey = '\u20ac'.repeat(1_000)
    expect(decodeFrame(frameOf({ ...SAMPLE, laneKey })).envelope.laneKey).toBe(laneKey)
  })
})

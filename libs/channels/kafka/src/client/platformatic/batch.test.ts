import { describe, expect, test } from '@jest/globals'
import { Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import type { ProducedRecord } from '../client.ts'
import { compressedBatch, plainBatch } from './batch.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each))
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 100 }), fc.string({ minLength: 60, maxLength: 200 }))
const record: fc.Arbitrary<ProducedRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(text, fc.oneof(text, bytes), { noNullPrototype: true, maxKeys: 5 }),
  time: fc.integer({ min: 0, max: 4_000_000_000_000 }),
})
const batch = fc.record({
  producer: fc.record({ id: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String), epoch: fc.nat(32_767) }),
  sequence: fc.nat(2 ** 31 - 1),
  records: fc.array(record, { minLength: 1, maxLength: 80 }),
})

/** By the client's own reader, which makes no difference between no bytes and none. */
function readAgain(written: Buffer) {
  const { records, ...rest } = readRecordsBatch(Reader.from(written))
  const read = records.map(({ key, value, headers, timestampDelta, offsetDelta, length, attributes }) => ({
    key: hex(key),
    value: hex(value),
    headers: headers.map(([name, each]) => [hex(name), hex(each)]),
    time: Number(rest.firstTimestamp + timestampDelta),
    offsetDelta,
    attributes,
    isLong: length > 0,
  }))
  return { ...rest, records: read }
}

function hex(each: Buffer | string | null | undefined): string {
  return Buffer.from(each ?? '').toString('hex')
}

function expectedOf(records: readonly ProducedRecord[]) {
  return records.map(({ key, value, headers, time }, offsetDelta) => ({
    key: hex(key),
    value: hex(value),
    headers: Object.entries(headers).map(([name, each]) => [hex(name), hex(each)]),
    ...{ time, offsetDelta, attributes: 0, isLong: true },
  }))
}

describe('a batch', () => {
  test("is what the client's own reader reads, whatever it holds", () => {
    fc.assert(
      fc.property(batch, (each) => {
        const written = plainBatch(each)
        const { records, ...head } = readAgain(written)
        expect(records).toEqual(expectedOf(each.records))
        const times = each.records.map(({ time }) => BigInt(time))
        expect(head).toMatchObject({
          ...{ firstOffset: 0n, length: written.length - 12, magic: 2, attributes: 0, firstTimestamp: times[0] },
          ...{ maxTimestamp: times.toSorted((a, b) => Number(a - b)).at(-1), lastOffsetDelta: each.records.length - 1 },
          ...{ producerId: BigInt(each.producer.id), producerEpoch: each.producer.epoch, firstSequence: each.sequence },
        })
      }),
    )
  })

  test('is the same compressed', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (each) => {
        const { records, attributes } = readAgain(await compressedBatch(each))
        expect({ records, attributes }).toEqual({ records: expectedOf(each.records), attributes: 1 })
      }),
      { numRuns: 20 },
    )
  })

  test('tells no value from one of no bytes', () => {
    const of = (value: Buffer | null) => ({
      ...{ producer: { id: '1', epoch: 0 }, sequence: 0 },
      records: [{ key: null, value, headers: {}, time: 0 }],
    })
    // Length, attributes, time, index, key −1, value −1 or 0, no headers
    expect(plainBatch(of(null)).subarray(61).toString('hex')).toBe('0c000000010100')
    expect(
      plainBatch(of(Buffer.alloc(0)))
        .subarray(61)
        .toString('hex'),
    ).toBe('0c000000010000')
  })
})

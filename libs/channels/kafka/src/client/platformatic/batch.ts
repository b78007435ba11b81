import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { crc32c } from '@platformatic/kafka'
import type { ProducedRecord, ProducerId } from '../client.ts'

/*
 * A batch of records, version 2, written into one buffer. The client's own writer makes some forty small buffers of an
 * event, which costs as much as all the rest of publishing.
 *
 *   first offset 8 · length 4 · leader epoch 4 · version 1 · CRC 4 │ attributes 2 · last record 4 · first time 8 ·
 *   last time 8 · producer 8 · its epoch 2 · sequence 4 · records 4 · record … (what is right of │ the CRC is of)
 */
const HEAD = 61
const LENGTH_AT = 8
const VERSION_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_RECORD_AT = 23
const FIRST_TIME_AT = 27
const LAST_TIME_AT = 35
const PRODUCER_AT = 43
const EPOCH_AT = 51
const SEQUENCE_AT = 53
const COUNT_AT = 57
const VERSION = 2
const GZIP = 1

const gzipped = promisify(gzip)

export interface Batch {
  readonly producer: ProducerId
  readonly sequence: number
  readonly records: readonly ProducedRecord[]
}

export async function compressedBatch(batch: Batch): Promise<Buffer> {
  const plain = written(batch)
  const compressed = await gzipped(plain.subarray(HEAD))
  return sealed(Buffer.concat([plain.subarray(0, HEAD), compressed]), GZIP)
}

export function plainBatch(batch: Batch): Buffer {
  return sealed(written(batch), 0)
}

function sealed(batch: Buffer, attributes: number): Buffer {
  batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT)
  batch.writeInt16BE(attributes, ATTRIBUTES_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
  return batch
}

function written({ producer, sequence, records }: Batch): Buffer {
  const firstTime = records[0]?.time ?? 0
  let lastTime = firstTime
  let size = HEAD
  const heads: string[] = []
  for (const record of records) {
    const head = headersOf(record.headers)
    heads.push(head)
    if (record.time > lastTime) lastTime = record.time
    size += MOST_BESIDE + (record.key?.length ?? 0) + (record.value?.length ?? 0) + head.length
  }
  const buffer = Buffer.allocUnsafe(size)
  buffer.fill(0, 0, HEAD)
  buffer.writeInt8(VERSION, VERSION_AT)
  buffer.writeInt32BE(records.length - 1, LAST_RECORD_AT)
  buffer.writeBigInt64BE(BigInt(firstTime), FIRST_TIME_AT)
  buffer.writeBigInt64BE(BigInt(lastTime), LAST_TIME_AT)
  buffer.writeBigInt64BE(BigInt(producer.id), PRODUCER_AT)
  buffer.writeInt16BE(producer.epoch, EPOCH_AT)
  buffer.writeInt32BE(sequence, SEQUENCE_AT)
  buffer.writeInt32BE(records.length, COUNT_AT)
  let at = HEAD
  for (const [i, { key, value, time }] of records.entries()) {
    const head = heads[i] as string
    const delta = time - firstTime
    const length = 1 + sizeOf(delta) + sizeOf(i) + sizeOfBytes(key) + sizeOfBytes(value) + head.length
    at = writeNumber(buffer, at, length)
    buffer[at++] = 0
    at = writeNumber(buffer, at, delta)
    at = writeNumber(buffer, at, i)
    at = writeBytes(buffer, at, key)
    at = writeBytes(buffer, at, value)
    at += buffer.write(head, at, 'latin1')
  }
  return buffer.subarray(0, at)
}

/** Numbers of a record, at their longest: its own length, of the time, the index, the key and the value. */
const MOST_BESIDE = 1 + 5 + 10 + 5 + 5 + 5

/** Number and contents of all headers, a character for each byte: written at once, which is cheaper than one by one. */
function headersOf(headers: ProducedRecord['headers']): string {
  let count = 0
  let text = ''
  for (const name in headers) {
    const value = headers[name] as string | Buffer
    const bytes = typeof value === 'string' ? bytesOf(value) : value.toString('latin1')
    text += nameOf(name) + numberOf(bytes.length) + bytes
    count++
  }
  return numberOf(count) + text
}

/** Names come with every record. */
const names = new Map<string, string>()
const MOST_NAMES = 1_000

function nameOf(name: string): string {
  const known = names.get(name)
  if (known !== undefined) return known
  const bytes = bytesOf(name)
  const text = numberOf(bytes.length) + bytes
  if (names.size < MOST_NAMES) names.set(name, text)
  return text
}

/** UTF-8, a character for each byte. */
function bytesOf(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** As `writeNumber` has it. */
function numberOf(value: number): string {
  const short = NUMBERS[value]
  if (short !== undefined) return short
  const buffer = Buffer.allocUnsafe(10)
  return buffer.toString('latin1', 0, writeNumber(buffer, 0, value))
}

/** Zigzag, seven bits a byte: below 64 one byte. */
const NUMBERS = Array.from({ length: 64 }, (_, value) => String.fromCharCode(2 * value))
const MORE = 0x80

function writeNumber(buffer: Buffer, from: number, value: number): number {
  let at = from
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  for (; rest >= MORE; rest = Math.floor(rest / MORE)) buffer[at++] = (rest % MORE) | MORE
  buffer[at++] = rest
  return at
}

function sizeOf(value: number): number {
  let size = 1
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; rest >= MORE; rest = Math.floor(rest / MORE)) size++
  return size
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOf(bytes.length) + bytes.length
}

function writeBytes(buffer: Buffer, from: number, bytes: Buffer | null): number {
  if (bytes === null) return writeNumber(buffer, from, -1)
  const at = writeNumber(buffer, from, bytes.length)
  buffer.set(bytes, at)
  return at + bytes.length
}

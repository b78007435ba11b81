import { createHash } from 'node:crypto'
import { written } from './delta.ts'
import type { Delta } from './rows.ts'
import { readDelta } from './schema.ts'

/** A delta in the journal beside a copy: what brings a document at `from`, or beyond it, to the delta's revision. */
export interface ChangeRecord {
  readonly from: number
  readonly delta: Delta
}

export interface ReadRecords {
  readonly records: readonly ChangeRecord[]
  /** Bytes of the records; what is beyond is none. */
  readonly bytes: number
  /** Why reading ended before the last record that is whole; undefined where only the tail is torn. */
  readonly problem?: string
}

const NEWLINE = 0x0a

/** One line: checksum, a space, JSON, a newline. */
export function writeRecord({ from, delta }: ChangeRecord): Buffer {
  const json = JSON.stringify({ from, delta: written(delta) })
  return Buffer.from(`${checksum(json)} ${json}\n`)
}

/** The records from the start of `bytes` on. What a crash left of the last one is cut; damage before it is a problem. */
export function readRecords(bytes: Buffer): ReadRecords {
  const records: ChangeRecord[] = []
  let at = 0
  for (let end = bytes.indexOf(NEWLINE, at); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
    const read = readRecord(bytes.subarray(at, end).toString('utf8'))
    if (typeof read === 'string') {
      const isTorn = read === NOT_WHOLE && !hasWhole(bytes.subarray(end + 1))
      return { records, bytes: at, ...(!isTorn && { problem: `at byte ${at}: ${read}` }) }
    }
    records.push(read)
    at = end + 1
  }
  return { records, bytes: at }
}

const NOT_WHOLE = 'the record is not whole'

function readRecord(line: string): ChangeRecord | string {
  const [sum = '', json = ''] = [line.slice(0, 22), line.slice(23)]
  if (line[22] !== ' ' || sum !== checksum(json)) return NOT_WHOLE
  const { from, delta } = JSON.parse(json) as { from: number; delta: unknown }
  const read = readDelta(delta)
  return 'problems' in read ? read.problems.slice(0, 10).join('; ') : { from, delta: read.delta }
}

function hasWhole(bytes: Buffer): boolean {
  const lines = bytes.toString('utf8').split('\n')
  return lines.some((line) => line[22] === ' ' && line.slice(0, 22) === checksum(line.slice(23)))
}

function checksum(json: string): string {
  return createHash('sha256').update(json).digest('base64url').slice(0, 22)
}

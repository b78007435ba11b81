import { eventHeaders, jsonBody } from '../../load/request.ts'
import { PARTITIONS, type PerfRecord } from './client.ts'

const value = Buffer.from(jsonBody(1024))

/** An event of 1 KiB with its attributes as the Kafka binding has them. */
export function recordOf(n: number, id = String(n)): PerfRecord {
  const headers: Record<string, Buffer> = {}
  for (const [name, text] of Object.entries(eventHeaders(id))) headers[name.replace(/^ce-/, 'ce_')] = Buffer.from(text)
  return { partition: n % PARTITIONS, headers, value }
}

/** So many, counted on from `from`. */
export function recordsFrom(from: number, count: number): PerfRecord[] {
  return Array.from({ length: count }, (_, i) => recordOf(from + i))
}

import { isUtf8 } from 'node:buffer'
import { type CloudEvent, decodeHttp, encodeHeaderValue } from '@sluice/cloudevents'
import { isFailure } from '@sluice/errors'
import type { TopicRecord } from './record.ts'

const PREFIX = 'ce_'
const VERSION = 'ce_specversion'
const CONTENT_TYPE = 'content-type'
const STRUCTURED = 'application/cloudevents'

/**
 * The event that a producer put into a record as the Kafka binding says, in binary or structured mode. Undefined where
 * there is none, or none that is valid: then the record is data. The binding knows no batches.
 */
export function cloudEventOf({ headers, value }: Pick<TopicRecord, 'headers' | 'value'>): CloudEvent | undefined {
  const named = new Map(headers.map(([name, bytes]) => [name.toLowerCase(), bytes]))
  const contentType = textOf(named.get(CONTENT_TYPE))
  const isStructured = contentType?.toLowerCase().startsWith(STRUCTURED) === true
  if (!isStructured && !named.has(VERSION)) return undefined
  const raw: string[] = []
  for (const [name, bytes] of named) {
    if (isStructured || !name.startsWith(PREFIX)) continue
    const text = textOf(bytes)
    if (text === undefined) return undefined
    raw.push(`ce-${name.slice(PREFIX.length)}`, encodeHeaderValue(text))
  }
  if (contentType !== undefined) raw.push(CONTENT_TYPE, contentType)
  try {
    const { events, mode } = decodeHttp(raw, value ?? undefined)
    const [event] = events
    if (event === undefined || mode === 'batch') return undefined
    // HTTP can't tell no data from data of no bytes, a record can
    return isStructured ? event : { ...event, data: value ?? undefined }
  } catch (error) {
    if (isFailure(error, 'EVENT_INVALID')) return undefined
    throw error
  }
}

function textOf(bytes: Buffer | null | undefined): string | undefined {
  return bytes !== null && bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

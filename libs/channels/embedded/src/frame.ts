import type { Envelope } from '@sluice/channel'
import type { AttributeValue, CloudEvent, DataKind } from '@sluice/cloudevents'
import { EventingError } from '@sluice/errors'

/**
 * How an envelope lies in the file: `[u32 length of meta][meta, JSON in UTF-8][data]`. Meta is
 * `[format, has data, data kind, stamp, lane key, [name, value, …], [header, value, …], key against repeats]`. Data is as it came.
 */
const FORMAT = 1

type Meta = readonly [
  format: number,
  hasData: 0 | 1,
  kind: DataKind | 0,
  stamp: number | null,
  laneKey: string,
  attributes: readonly AttributeValue[],
  headers: readonly string[],
  dedupKey: string | null,
]

/** Grows by doubling; frames are written one behind the other and the whole is handed to the writer at once. */
export class Slab {
  bytes: Buffer
  length = 0

  constructor(room: number | Buffer) {
    this.bytes = typeof room === 'number' ? Buffer.allocUnsafeSlow(room) : room
  }

  /** Writes one frame and returns its length; it starts at the previous `length`. */
  write(envelope: Envelope, dedupKey: string | undefined): number {
    const { event } = envelope
    const meta = metaOf(envelope, dedupKey)
    const dataLength = event.data?.length ?? 0
    this.#reserve(4 + meta.length * 3 + dataLength)
    const start = this.length
    const metaLength = this.bytes.write(meta, start + 4)
    this.bytes.writeUInt32LE(metaLength, start)
    if (event.data !== undefined) this.bytes.set(event.data, start + 4 + metaLength)
    this.length = start + 4 + metaLength + dataLength
    return this.length - start
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}

function metaOf({ event, headers, stamp, laneKey }: Envelope, dedupKey: string | undefined): string {
  const attributes: AttributeValue[] = []
  for (const [name, value] of event.attributes) attributes.push(name, value)
  const flat: string[] = []
  if (headers !== undefined) for (const name of Object.keys(headers)) flat.push(name, headers[name] as string)
  const meta: Meta = [
    FORMAT,
    event.data === undefined ? 0 : 1,
    event.dataKind ?? 0,
    stamp ?? null,
    laneKey,
    attributes,
    flat,
    dedupKey ?? null,
  ]
  return JSON.stringify(meta)
}

/** The envelope of a frame; throws for what is none. Its data is a copy, so that one slow event does not keep a whole page in memory. */
export function decodeFrame(frame: Buffer): { envelope: Envelope; dedupKey: string | undefined } {
  const metaEnd = 4 + frame.readUInt32LE(0)
  const [format, hasData, kind, stamp, laneKey, flatAttributes, flatHeaders, dedupKey] = JSON.parse(
    frame.toString('utf8', 4, metaEnd),
  ) as Meta
  if (format !== FORMAT)
    throw new EventingError({ code: 'INTERNAL' }, `a stored event has the unknown format ${format}`)
  const attributes = new Map<string, AttributeValue>()
  for (let i = 0; i < flatAttributes.length; i += 2) {
    attributes.set(flatAttributes[i] as string, flatAttributes[i + 1] as AttributeValue)
  }
  const event: CloudEvent = {
    attributes,
    data: hasData === 1 ? Buffer.from(frame.subarray(metaEnd)) : undefined,
    dataKind: kind === 0 ? undefined : kind,
  }
  const envelope = { event, headers: headersOf(flatHeaders), stamp: stamp ?? undefined, laneKey }
  return { envelope, dedupKey: dedupKey ?? undefined }
}

function headersOf(flat: readonly string[]): Record<string, string> | undefined {
  if (flat.length === 0) return undefined
  const headers: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) headers[flat[i] as string] = flat[i + 1] as string
  return headers
}

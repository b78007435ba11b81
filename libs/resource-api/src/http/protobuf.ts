import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { badRequest, refused } from '../store/refusals.ts'
import { DELETE_OPTIONS, MESSAGES, type Message, type ProtobufField } from './protobuf-messages.ts'

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

const MAGIC = Buffer.from('k8s\0')
type Fields = Record<string, unknown>

/**
 * An object as kubectl's typed commands send it from 1.32 on (`create configmap`). Throws UnsupportedMediaType for kinds
 * that have no such form, BadRequest for what is none. Source: k8s.io/apimachinery pkg/runtime/serializer/protobuf.
 */
export function fromProtobuf(body: Buffer): unknown {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw badRequest('the body is not Kubernetes protobuf')
  try {
    const { apiVersion, kind, raw } = envelope(body.subarray(MAGIC.length))
    const message = kind === 'DeleteOptions' ? DELETE_OPTIONS : MESSAGES[`${apiVersion} ${kind}`]
    if (message === undefined)
      throw refused('UnsupportedMediaType', `a ${kind} of ${apiVersion} is not read as protobuf: send application/json`)
    return { apiVersion, kind, ...read(new BinaryReader(raw), raw.length, message) }
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.name === 'Error'))
      throw badRequest('the body is not Kubernetes protobuf: it breaks off or has what no message has')
    throw error
  }
}

/** runtime.Unknown: what it is, and its bytes. */
function envelope(bytes: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  const found: { apiVersion: string; kind: string; raw: Uint8Array } = {
    apiVersion: '',
    kind: '',
    raw: new Uint8Array(),
  }
  const reader = new BinaryReader(bytes)
  while (reader.pos < bytes.length) {
    const [field, wire] = reader.tag()
    if (field === 1) {
      const { apiVersion = '', kind = '' } = read(reader, reader.uint32() + reader.pos, {
        1: { name: 'apiVersion', type: 'text' },
        2: { name: 'kind', type: 'text' },
      }) as Record<string, string>
      Object.assign(found, { apiVersion, kind })
    } else if (field === 2) found.raw = reader.bytes()
    else reader.skip(wire, field)
  }
  return found
}

function read(reader: BinaryReader, end: number, message: Message): Fields {
  const fields: Fields = {}
  while (reader.pos < end) {
    const [number, wire] = reader.tag()
    const field = message[number]
    if (field === undefined) reader.skip(wire, number)
    else put(fields, field, reader, wire)
  }
  // an embedded message must end where it said
  if (reader.pos !== end) throw new RangeError('misplaced end')
  return fields
}

function put(fields: Fields, { name, type, of }: ProtobufField, reader: BinaryReader, wire: WireType): void {
  if (of === 'map') {
    const entry = { 1: { name: 'key', type: 'text' }, 2: { name: 'value', type } } as const
    const { key = '', value = type === 'text' || type === 'bytes' ? '' : null } = read(
      reader,
      reader.uint32() + reader.pos,
      entry,
    )
    if (key === '__proto__') throw badRequest('the key __proto__ is not supported: leave it out')
    fields[name] = { ...(fields[name] as Fields), [String(key)]: value }
    return
  }
  const value = oneValue(type, reader, wire)
  if (of === 'list') fields[name] = [...((fields[name] as unknown[] | undefined) ?? []), value]
  // Kubernetes writes texts and zeros that nobody set
  else if (value !== '' && value !== undefined) fields[name] = value
}

function oneValue(type: ProtobufField['type'], reader: BinaryReader, wire: WireType): unknown {
  if (typeof type === 'object') return read(reader, reader.uint32() + reader.pos, type)
  const isVarint = type === 'integer' || type === 'boolean'
  if (wire !== (isVarint ? WireType.Varint : WireType.LengthDelimited)) throw new RangeError('another wire type')
  switch (type) {
    case 'text':
      return reader.string()
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64')
    case 'integer':
      return Number(reader.int64()) || undefined
    case 'boolean':
      return reader.bool()
    case 'time':
      return time(reader)
    case 'intOrText': {
      const fields = read(reader, reader.uint32() + reader.pos, {
        ...{ 1: { name: 'type', type: 'integer' }, 2: { name: 'number', type: 'integer' } },
        3: { name: 'text', type: 'text' },
      })
      return fields.type === undefined ? (fields.number ?? 0) : (fields.text ?? '')
    }
  }
}

/** RFC 3339; undefined: the zero time, which is sent for none. */
function time(reader: BinaryReader): string | undefined {
  const { seconds } = read(reader, reader.uint32() + reader.pos, {
    ...{ 1: { name: 'seconds', type: 'integer' }, 2: { name: 'nanos', type: 'integer' } },
  })
  const ms = Number(seconds ?? Number.NaN) * 1_000
  return ms > 0 && ms < 8.64e15 ? new Date(ms).toISOString().replace('.000Z', 'Z') : undefined
}

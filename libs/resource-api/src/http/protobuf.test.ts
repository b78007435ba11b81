import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fromProtobuf } from './protobuf.ts'

type Write = (writer: BinaryWriter) => BinaryWriter

const inner = (field: number, write: Write): Write => {
  const bytes = write(new BinaryWriter()).finish()
  return (writer) => writer.tag(field, WireType.LengthDelimited).bytes(bytes)
}
const text =
  (field: number, value: string): Write =>
  (writer) =>
    writer.tag(field, WireType.LengthDelimited).string(value)
const all =
  (...writes: readonly Write[]): Write =>
  (writer) =>
    writes.reduce((written, write) => write(written), writer)
const bytesOf = (write: Write) => write(new BinaryWriter()).finish()

function body(apiVersion: string, kind: string, message: Write): Buffer {
  const raw = bytesOf(message)
  const unknown = all(inner(1, all(text(1, apiVersion), text(2, kind))), (writer) =>
    writer.tag(2, WireType.LengthDelimited).bytes(raw),
  )
  return Buffer.concat([Buffer.from('k8s\0'), bytesOf(unknown)])
}
const metadata = inner(
  1,
  all(
    text(1, 'a'),
    text(2, ''),
    inner(8, (writer) => writer),
    inner(11, all(text(1, 'k'), text(2, 'v'))),
  ),
)

describe('protobuf', () => {
  test('a ConfigMap, a Secret and a Service read as their JSON', () => {
    const data = inner(2, all(text(1, 'x'), text(2, 'ü')))
    expect(fromProtobuf(body('v1', 'ConfigMap', all(metadata, data)))).toEqual({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { k: 'v' } }, data: { x: 'ü' } },
    })
    const secret = inner(
      2,
      all(text(1, 'x'), (writer) => writer.tag(2, WireType.LengthDelimited).bytes(Buffer.from([255]))),
    )
    expect(fromProtobuf(body('v1', 'Secret', all(metadata, secret, text(3, 'Opaque'))))).toMatchObject({
      ...{ data: { x: '/w==' }, type: 'Opaque' },
    })
    const port = inner(
      1,
      all((writer) => writer.tag(3, WireType.Varint).int64(80), inner(4, text(3, 'http'))),
    )
    expect(fromProtobuf(body('v1', 'Service', inner(2, all(port, text(10, 'example.com')))))).toMatchObject({
      ...{ spec: { ports: [{ port: 80 }], externalName: 'example.com' } },
    })
  })

  test('what has no such form is refused by name', () => {
    expect(() => fromProtobuf(body('v1', 'Pod', metadata))).toThrow('a Pod of v1 is not read as protobuf')
  })

  test('any bytes are read or refused as a bad request', () => {
    const whole = body('v1', 'ConfigMap', all(metadata, inner(2, all(text(1, 'x'), text(2, 'y')))))
    const refusal = (bytes: Buffer) => {
      try {
        fromProtobuf(bytes)
        return 'read'
      } catch (error) {
        return (error as { detail?: { reason?: string } }).detail?.reason ?? String(error)
      }
    }
    const broken = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes])),
      fc.nat(whole.length).map((length) => whole.subarray(0, length)),
      fc.tuple(fc.nat(whole.length - 5), fc.nat(255)).map(([at, byte]) => {
        const bytes = Buffer.from(whole)
        bytes[at + 4] = byte
        return bytes
      }),
    )
    const check = fc.property(broken, (bytes) =>
      expect(['read', 'BadRequest', 'UnsupportedMediaType']).toContain(refusal(bytes)),
    )
    fc.assert(check, { numRuns: 2_000 })
  })
})

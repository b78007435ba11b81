import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import lz4 from 'lz4js'
import snappy from 'snappyjs'

/** What a batch may be once it is decompressed; a topic takes 1 MiB unless told. */
const MAX_BYTES = 64 * 1024 * 1024
/** Before blocks, each with its length. Source: xerial/snappy-java, SnappyCodec. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_BYTES = 16
const LENGTH_BYTES = 4

const unpackZstd = promisify(zstdDecompress)

/** What Kafka's producers compress batches by; each throws for what is larger than 64 MiB once it is decompressed. */
export function decompressZstd(bytes: Buffer): Promise<Buffer> {
  return unpackZstd(bytes, { maxOutputLength: MAX_BYTES })
}

/** Also in the blocks of xerial's Java. */
export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return snappy.uncompress(bytes, MAX_BYTES)
  const blocks: Buffer[] = []
  let room = MAX_BYTES
  for (let at = XERIAL_BYTES; at + LENGTH_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    at += LENGTH_BYTES
    const block = snappy.uncompress(bytes.subarray(at, at + length), room)
    room -= block.length
    blocks.push(block)
    at += length
  }
  return Buffer.concat(blocks)
}

/** A frame. */
export function decompressLz4(frame: Buffer): Buffer {
  const bound = lz4.decompressBound(frame)
  if (bound > MAX_BYTES) throw new RangeError(`a batch of up to ${bound} bytes is larger than ${MAX_BYTES}`)
  return Buffer.from(lz4.decompress(frame, bound))
}

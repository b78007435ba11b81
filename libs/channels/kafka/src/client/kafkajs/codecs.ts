import { codecs } from '@sluice/kafka-codecs'
import client, { CompressionTypes } from 'kafkajs'

/** Reads what producers compress by; gzip comes with the client. */
export function readEveryCompression(): void {
  const { ZSTD, Snappy, LZ4 } = CompressionTypes
  Object.assign(client.CompressionCodecs, { [ZSTD]: codecs.zstd, [Snappy]: codecs.snappy, [LZ4]: codecs.lz4 })
}

import { decompressLz4, decompressSnappy, decompressZstd } from './decompress.ts'

/** As kafkajs takes them; for reading alone. */
export const codecs = {
  zstd: reading(decompressZstd),
  snappy: reading(decompressSnappy),
  lz4: reading(decompressLz4),
}

function reading(decompress: (bytes: Buffer) => Buffer | Promise<Buffer>) {
  return () => ({
    async compress(): Promise<never> {
      throw new TypeError('nothing is written here')
    },
    decompress: async (bytes: Buffer) => decompress(bytes),
  })
}

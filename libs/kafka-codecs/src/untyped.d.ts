declare module 'lz4js' {
  export function decompressBound(frame: Uint8Array): number
  export function decompress(frame: Uint8Array, maxSize: number): Uint8Array
}

declare module 'snappyjs' {
  export function uncompress(block: Buffer, maxLength: number): Buffer
}

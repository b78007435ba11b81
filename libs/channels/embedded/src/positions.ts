/** Ascending whole numbers as LEB128 differences: a dense list of a thousand takes a kilobyte. */
export function packAscending(values: Iterable<number>, count: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(count * 8)
  let length = 0
  let previous = 0
  for (const value of values) {
    let difference = value - previous
    previous = value
    while (difference >= 128) {
      bytes[length++] = (difference % 128) | 128
      difference = Math.floor(difference / 128)
    }
    bytes[length++] = difference
  }
  return Uint8Array.prototype.slice.call(bytes, 0, length)
}

export function unpackAscending(bytes: Uint8Array): number[] {
  const values: number[] = []
  let value = 0
  let difference = 0
  let scale = 1
  for (const byte of bytes) {
    difference += (byte & 127) * scale
    scale *= 128
    if (byte >= 128) continue
    value += difference
    values.push(value)
    difference = 0
    scale = 1
  }
  return values
}

import { invalid } from './protocol.ts'

const NEWLINE = 0x0a

/** UTF-8 lines without their newline. Throws CONTRACT_REQUEST_INVALID beyond `maxBytes`, or for an end within a line. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  alive: () => void = () => {},
): AsyncGenerator<string> {
  let held: Uint8Array[] = []
  let bytes = 0
  for await (let chunk of chunks) {
    alive()
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      held.push(chunk.subarray(0, end))
      if (bytes + end > maxBytes) throw tooLong(maxBytes)
      yield Buffer.concat(held).toString('utf8')
      held = []
      bytes = 0
      chunk = chunk.subarray(end + 1)
    }
    held.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLong(maxBytes)
  }
  if (bytes > 0) throw invalid(['the answer ends within a message'])
}

function tooLong(maxBytes: number) {
  return invalid([`a message is longer than ${maxBytes} bytes`])
}

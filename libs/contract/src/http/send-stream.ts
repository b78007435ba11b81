import type { ServerResponse } from 'node:http'
import { type Clock, sleep } from '@sluice/clock'
import { type Message, STREAM_TYPE, writeMessage } from './protocol.ts'

/** A reader that takes none of the bytes at hand for this long is cut. */
const STALLED_MS = 10_000
const PIECE_BYTES = 256 * 1024

export interface SendStreamDeps {
  readonly clock: Clock
  /** Aborted when the reader is gone. */
  readonly signal: AbortSignal
}

/**
 * Writes each message as a line and asks for the next only when it has left, so that a slow reader holds one message
 * in memory. Answers why it cut the reader off, if it did. Never rejects.
 */
export async function sendStream(
  messages: AsyncIterable<Message>,
  response: ServerResponse,
  deps: SendStreamDeps,
): Promise<string | undefined> {
  const cut = () => {
    response.destroy()
    return deps.signal.aborted ? undefined : `nothing was taken for ${STALLED_MS} ms`
  }
  response.writeHead(200, { 'content-type': STREAM_TYPE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  for await (const message of messages) {
    const line = Buffer.from(`${writeMessage(message)}\n`)
    for (let at = 0; at < line.length; at += PIECE_BYTES) {
      if (!response.write(line.subarray(at, at + PIECE_BYTES)) && !(await happens('drain', response, deps)))
        return cut()
    }
  }
  response.end()
  return response.writableFinished || (await happens('finish', response, deps)) ? undefined : cut()
}

async function happens(
  event: 'drain' | 'finish',
  response: ServerResponse,
  { clock, signal }: SendStreamDeps,
): Promise<boolean> {
  const over = new AbortController()
  let hasHappened = false
  const happened = () => {
    hasHappened = true
    over.abort()
  }
  response.once(event, happened)
  await sleep(clock, STALLED_MS, AbortSignal.any([signal, over.signal]))
  response.off(event, happened)
  return hasHappened
}

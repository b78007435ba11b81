import type { IncomingMessage } from 'node:http'
import { eventTooLarge } from './admission.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** The client went away before its body was complete; there is nobody to answer. */
export const CLIENT_GONE: unique symbol = Symbol('client gone')

/** The whole is allocated once an eighth of it came: an announcement alone costs its sender more than us. */
const ARRIVED_SHARE = 8

export interface BodyBounds {
  /** What Content-Length says, 0 if unknown. */
  readonly announced: number
  readonly maxBytes: number
  /** Takes what has arrived, not what was announced. */
  readonly memory: MemoryBudget
}

/**
 * The whole body, not copied when it came in one piece; undefined when it is empty. On success the caller gives
 * `body.length` back to the budget. Rejects with EVENT_TOO_LARGE at the bound, or MEMORY_FULL; what follows is discarded.
 */
export function readBody(
  request: IncomingMessage,
  { announced, maxBytes, memory }: BodyBounds,
): Promise<Buffer | undefined | typeof CLIENT_GONE> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined
    let rest: BodyPieces | undefined
    let bytes = 0
    const onData = (chunk: Buffer) => {
      try {
        if (bytes + chunk.length > maxBytes) throw eventTooLarge(bytes + chunk.length, maxBytes)
        memory.take(chunk.length)
      } catch (error) {
        end()
        memory.give(bytes)
        reject(error)
        return
      }
      bytes += chunk.length
      if (first === undefined) {
        first = chunk
        return
      }
      rest ??= bodyPieces(first, announced)
      rest.add(chunk)
    }
    const onEnd = () => {
      end()
      resolve(rest === undefined ? first : rest.whole())
    }
    const onClose = () => {
      end()
      memory.give(bytes)
      resolve(CLIENT_GONE)
    }
    const end = () => {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
    }
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('close', onClose)
  })
}

interface BodyPieces {
  add(chunk: Buffer): void
  whole(): Buffer
}

/** Puts chunks into their place while they are fresh in the processor's cache, where the length is known. */
function bodyPieces(first: Buffer, announced: number): BodyPieces {
  const chunks = [first]
  let bytes = first.length
  let whole: Buffer | undefined
  return {
    add(chunk) {
      if (whole === undefined && bytes * ARRIVED_SHARE >= announced && announced > 0) {
        whole = Buffer.allocUnsafeSlow(announced)
        let offset = 0
        for (const piece of chunks.splice(0)) offset += piece.copy(whole, offset)
      }
      if (whole === undefined) chunks.push(chunk)
      else chunk.copy(whole, bytes)
      bytes += chunk.length
    },
    whole: () => whole ?? Buffer.concat(chunks, bytes),
  }
}

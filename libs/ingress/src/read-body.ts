import type { IncomingMessage } from 'node:http'
import { eventTooLarge } from './admission.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** The client went away before its body was complete; there is nobody to answer. */
export const CLIENT_GONE: unique symbol = Symbol('client gone')

export interface BodyBounds {
  readonly maxBytes: number
  /** Takes what has arrived, not what was announced: an announcement alone holds nothing back. */
  readonly memory: MemoryBudget
}

/**
 * The whole body, not copied when it came in one piece; undefined when it is empty. On success the caller gives
 * `body.length` back to the budget. Rejects with EVENT_TOO_LARGE at the bound, or MEMORY_FULL; what follows is discarded.
 */
export function readBody(
  request: IncomingMessage,
  { maxBytes, memory }: BodyBounds,
): Promise<Buffer | undefined | typeof CLIENT_GONE> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
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
      chunks.push(chunk)
    }
    const onEnd = () => {
      end()
      resolve(chunks.length > 1 ? Buffer.concat(chunks, bytes) : chunks[0])
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

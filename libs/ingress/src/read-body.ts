import type { IncomingMessage } from 'node:http'
import { eventTooLarge } from './admission.ts'
import type { MemoryBudget } from './memory-budget.ts'

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
 * Puts the whole body into `target`, not copied when it came in one piece; undefined when it is empty. Resolves to
 * false when the client went away before it was complete: there is nobody to answer. On true the caller gives the
 * body's length back to the budget. Rejects with EVENT_TOO_LARGE at the bound, or MEMORY_FULL; what follows is
 * discarded.
 */
export function readBody(
  request: IncomingMessage,
  target: { body: Buffer | undefined },
  { announced, maxBytes, memory }: BodyBounds,
): Promise<boolean> {
  // not resolved with the body: for any object a promise first looks for a method `then`, which is slow on a Buffer
  return new Promise((resolve, reject) => {
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
      if (target.body === undefined) {
        target.body = chunk
        return
      }
      rest ??= bodyPieces(target.body, announced)
      rest.add(chunk)
    }
    const onEnd = () => {
      end()
      if (rest !== undefined) target.body = rest.whole()
      resolve(true)
    }
    const onClose = () => {
      end()
      memory.give(bytes)
      resolve(false)
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
      if (whole === undefined && announced > 0 && bytes * ARRIVED_SHARE >= announced) {
        whole = Buffer.allocUnsafeSlow(announced)
        moveInto(whole, 0, chunks.splice(0))
      }
      bytes += chunk.length
      if (whole === undefined) chunks.push(chunk)
      else moveInto(whole, bytes - chunk.length, [chunk])
    },
    whole() {
      if (whole !== undefined) return whole
      const joined = Buffer.allocUnsafeSlow(bytes)
      moveInto(joined, 0, chunks)
      return joined
    },
  }
}

/** The chunks are empty afterwards. */
function moveInto(whole: Buffer, start: number, chunks: readonly Buffer[]): void {
  let offset = start
  for (const chunk of chunks) {
    offset += chunk.copy(whole, offset)
    release(chunk)
  }
}

/**
 * Frees a chunk's memory now. Left to the collector, every 32 bodies of 1 MB would start a collection of the whole heap,
 * a third of what such a request costs. The parser makes a buffer of its own for each chunk; others are left alone.
 */
function release(chunk: Buffer): void {
  const buffer = chunk.buffer as ArrayBuffer
  if (buffer.byteLength === chunk.length) buffer.transfer(0)
}

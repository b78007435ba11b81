import type { ServerResponse } from 'node:http'
import type { Clock } from '@sluice/clock'
import type { WatchEvent } from '../registry.ts'
import { FRAMES_BYTES, MAX_WAITING_EVENTS } from './config.ts'

interface WatchDeps {
  readonly clock: Clock
  /** Calls back at once with what the watch begins with, then with each change. May throw a refusal. */
  readonly watch: (on: (event: WatchEvent) => void) => Disposable
  /** The object of an event as JSON. */
  readonly encode: (event: WatchEvent, isFirst: boolean) => string
  readonly timeoutMs: number
  readonly type: string
  /** The client reads too slowly, or `error`: an object can't be encoded. */
  readonly onCut: (error?: unknown) => void
}

/** An open watch; disposing ends its answer in order. */
export interface OpenWatch extends Disposable {
  /** Resolves when the answer has ended, whoever ended it. */
  readonly ended: Promise<void>
}

/**
 * Streams events as lines of JSON, at the pace of who reads: what waits is held as objects and encoded when there is
 * room. A watcher further behind than MAX_WAITING_EVENTS is cut, and lists again. Throws what `watch` throws, before
 * anything is written.
 */
export function streamWatch(response: ServerResponse, deps: WatchDeps): OpenWatch {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const waiting: WatchEvent[] = []
  let mayWait = Number.POSITIVE_INFINITY
  let isFirst = true
  let isScheduled = false
  let isOver = false
  let isBlocked = false

  const pump = () => {
    isScheduled = false
    while (waiting.length > 0 && !isBlocked && !isOver) {
      const frames: string[] = []
      let last: WatchEvent | undefined
      let taken = 0
      for (let size = 0; taken < waiting.length && size < FRAMES_BYTES && last?.type !== 'ERROR'; taken++) {
        last = waiting[taken] as WatchEvent
        const frame = `{"type":"${last.type}","object":${deps.encode(last, isFirst)}}\n`
        isFirst = false
        size += frame.length
        frames.push(frame)
      }
      waiting.splice(0, taken)
      isBlocked = !response.write(frames.join(''))
      if (last?.type === 'ERROR') finish()
    }
  }
  const schedule = () => {
    if (isScheduled || isBlocked) return
    isScheduled = true
    queueMicrotask(() => {
      try {
        pump()
      } catch (error) {
        cut(error)
      }
    })
  }
  const source = deps.watch((event) => {
    if (isOver) return
    waiting.push(event)
    if (waiting.length > mayWait) cut()
    else schedule()
  })
  mayWait = waiting.length + MAX_WAITING_EVENTS
  const timeout = deps.clock.after(deps.timeoutMs, () => finish())
  const over = () => {
    isOver = true
    waiting.length = 0
    source[Symbol.dispose]()
    timeout[Symbol.dispose]()
    resolve()
  }
  /** The rest of the answer is given up: whoever reads sees that it broke off. */
  function cut(error?: unknown): void {
    over()
    deps.onCut(error)
    response.destroy()
  }
  function finish(): void {
    if (isOver) return
    over()
    response.end()
  }
  response.on('drain', () => {
    isBlocked = false
    schedule()
  })
  response.on('close', () => {
    if (!isOver) over()
  })
  response.writeHead(200, { 'content-type': deps.type, 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  return { ended, [Symbol.dispose]: finish }
}

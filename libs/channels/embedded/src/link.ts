import { Worker } from 'node:worker_threads'
import { closed, type StoreFault } from './errors.ts'
import type { Reply, Request } from './protocol.ts'
import { Store } from './store.ts'

/** A request the store refused; `fault` is SQLite's word. */
export class StoreError extends Error {
  readonly fault: StoreFault
  constructor(fault: StoreFault) {
    super(fault.message)
    this.fault = fault
  }
}

/** The way to the store. Requests are served one by one in the order of asking; rejections are StoreError. */
export interface Link {
  ask<T>(request: Request, transfer?: ArrayBuffer): Promise<T>
  /** Runs `work` once what arrived together has been handled. */
  defer(work: () => void): void
  close(): Promise<void>
}

/** The store in a thread of its own: no fsync ever blocks the event loop. */
export function workerLink(onCrash: (error: unknown) => void): Link {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'channel-store',
    // It keeps nothing between requests: a young generation of the default size would only hold memory.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  /** Replies come in the order of asking. */
  const waiting: { readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void }[] = []
  let crashed: unknown
  worker.on('message', (reply: Reply) => {
    const caller = waiting.shift()
    if (reply.ok) caller?.resolve(reply.value as never)
    else caller?.reject(new StoreError(reply.fault))
  })
  const fail = (error: unknown) => {
    crashed = error
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  worker.on('error', (error) => {
    fail(error)
    onCrash(error)
  })
  worker.on('exit', () => fail(closed()))
  return {
    defer: (work) => void setImmediate(work),
    ask<T>(request: Request, transfer?: ArrayBuffer): Promise<T> {
      if (crashed !== undefined) return Promise.reject(crashed)
      return new Promise<T>((resolve, reject) => {
        waiting.push({ resolve, reject })
        worker.postMessage(request, transfer === undefined ? [] : [transfer])
      })
    },
    async close() {
      if (crashed === undefined) await this.ask({ op: 'close' }).catch(() => undefined)
      await worker.terminate()
    },
  }
}

/** The store in this thread, replying in a microtask: for virtual time, where nothing may happen by itself. */
export function inThreadLink(): Link {
  const store = new Store()
  return {
    defer: queueMicrotask,
    async ask<T>(request: Request): Promise<T> {
      const reply = store.handle(request)
      if (reply.ok) return reply.value as T
      throw new StoreError(reply.fault)
    },
    async close() {
      store.handle({ op: 'close' })
    },
  }
}

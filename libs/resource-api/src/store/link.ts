import { Worker } from 'node:worker_threads'
import { Database } from './database.ts'
import { faultOf, type StoreFault } from './faults.ts'
import type { Reply, Request } from './protocol.ts'

/** A request the file refused; `fault` is SQLite's word. */
export class StoreError extends Error {
  readonly fault: StoreFault
  constructor(fault: StoreFault) {
    super(fault.message)
    this.fault = fault
  }
}

/** The way to the file. Requests are served one by one in the order of asking; rejections are StoreError. */
export interface Link {
  ask<T>(request: Request): Promise<T>
  /** Runs `work` once what arrived together has been handled. */
  defer(work: () => void): void
  close(): Promise<void>
}

export function openLink(path: string, onCrash: (error: unknown) => void): Link {
  return path === ':memory:' ? inThreadLink() : workerLink(onCrash)
}

/** The file in a thread of its own: no fsync ever blocks the event loop. */
function workerLink(onCrash: (error: unknown) => void): Link {
  const worker = new Worker(new URL('./resource-worker.ts', import.meta.url), {
    name: 'resource-store',
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  const waiting: { readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void }[] = []
  let crashed: StoreError | undefined
  worker.on('message', (reply: Reply) => {
    const caller = waiting.shift()
    if (reply.ok) caller?.resolve(reply.value as never)
    else caller?.reject(new StoreError(reply.fault))
  })
  const fail = (error: StoreError) => {
    crashed ??= error
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  worker.on('error', (error) => {
    fail(new StoreError(faultOf(error)))
    onCrash(error)
  })
  worker.on('exit', () => fail(new StoreError({ errcode: 1, message: 'the thread of the file ended' })))
  return {
    defer: (work) => void setImmediate(work),
    ask<T>(request: Request): Promise<T> {
      if (crashed !== undefined) return Promise.reject(crashed)
      return new Promise<T>((resolve, reject) => {
        waiting.push({ resolve, reject })
        worker.postMessage(request)
      })
    },
    async close() {
      if (crashed === undefined) await this.ask({ op: 'close' }).catch(() => undefined)
      await worker.terminate()
    },
  }
}

/** In this thread, replying in a microtask: for virtual time, where nothing may happen by itself. */
function inThreadLink(): Link {
  const database = new Database()
  return {
    defer: queueMicrotask,
    async ask<T>(request: Request): Promise<T> {
      const reply = database.handle(request)
      if (reply.ok) return reply.value as T
      throw new StoreError(reply.fault)
    },
    async close() {
      database.handle({ op: 'close' })
    },
  }
}

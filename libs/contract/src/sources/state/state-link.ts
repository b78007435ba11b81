import { Worker } from 'node:worker_threads'
import type { StateLimits } from './limits.ts'
import type { Handled, KeptSource, StateReply, StateRequest } from './requests.ts'
import { StateFile } from './state-file.ts'

/** The way to the file. Answers come in the order of asking; never rejects. */
export interface StateLink {
  load(): Promise<Handled<readonly KeptSource[]>>
  handle(requests: readonly StateRequest[]): Promise<Handled<readonly StateReply[]>>
  close(): Promise<void>
}

/** In a thread of its own, so that no fsync blocks the event loop; in memory in this one, for virtual time. */
export function stateLink(path: string, limits: StateLimits, isInThread = path === ':memory:'): StateLink {
  return isInThread ? inThread(new StateFile(path, limits)) : inWorker(path, limits)
}

function inThread(file: StateFile): StateLink {
  return {
    load: async () => file.load(),
    handle: async (requests) => file.handle(requests),
    close: async () => file.close(),
  }
}

function inWorker(path: string, limits: StateLimits): StateLink {
  const worker = new Worker(new URL('./state-worker.ts', import.meta.url), {
    ...{ name: 'source-state', workerData: { path, limits } },
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  const waiting: ((answer: Handled<never>) => void)[] = []
  let crashed: Handled<never> | undefined
  worker.on('message', (answer: Handled<never>) => waiting.shift()?.(answer))
  const fail = (message: string) => {
    crashed ??= { ok: false, fault: { errcode: 1, message } }
    for (const answer of waiting.splice(0)) answer(crashed)
  }
  worker.on('error', (error) => fail(String((error as Error).message)))
  worker.on('exit', () => fail('the thread of the file ended'))
  const ask = <T>(what: unknown): Promise<Handled<T>> =>
    crashed !== undefined
      ? Promise.resolve(crashed)
      : new Promise((resolve) => {
          waiting.push(resolve as (answer: Handled<never>) => void)
          worker.postMessage(what)
        })
  return {
    load: () => ask('load'),
    handle: (requests) => ask(requests),
    async close() {
      await ask('close')
      await worker.terminate()
    },
  }
}

import { parentPort, workerData } from 'node:worker_threads'
import type { StateLimits } from './limits.ts'
import type { StateRequest } from './requests.ts'
import { StateFile } from './state-file.ts'

/** The thread that owns the file: what is asked in, what comes of it out, in order. */
const { path, limits } = workerData as { path: string; limits: StateLimits }
const file = new StateFile(path, limits)
const port = parentPort
port?.on('message', (asked: 'load' | 'close' | readonly StateRequest[]) => {
  if (asked === 'close') {
    file.close()
    port.postMessage({ ok: true })
    port.close()
  } else port.postMessage(asked === 'load' ? file.load() : file.handle(asked))
})

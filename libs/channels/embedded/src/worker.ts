import { parentPort } from 'node:worker_threads'
import type { CommitReply, LogPage, Request } from './protocol.ts'
import { Store } from './store.ts'

/** The thread that owns the file: requests in, replies out, in order. Slabs travel, they are not copied. */
const store = new Store()
const port = parentPort
port?.on('message', (request: Request) => {
  const reply = store.handle(request)
  const slab = (reply.ok ? (reply.value as CommitReply | LogPage | undefined)?.slab : undefined) as
    | ArrayBuffer
    | undefined
  port.postMessage(reply, slab === undefined ? [] : [slab])
  if (request.op === 'close') port.close()
})

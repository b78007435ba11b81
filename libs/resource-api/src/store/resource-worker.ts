import { parentPort } from 'node:worker_threads'
import { Database } from './database.ts'
import type { Request } from './protocol.ts'

/** The thread that owns the file: requests in, replies out, in order. */
const database = new Database()
const port = parentPort
port?.on('message', (request: Request) => {
  port.postMessage(database.handle(request))
  if (request.op === 'close') port.close()
})

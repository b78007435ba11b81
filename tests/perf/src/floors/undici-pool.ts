// F2: the least a Node client can do to deliver: POST prepared events with undici's Pool.request, 64 at a time.
import { Pool } from 'undici'
import { eventHeaders, jsonBody } from '../load/request.ts'
import '../load/program.ts'

const CONNECTIONS = 64
const pool = new Pool(process.argv[2] ?? '', { connections: CONNECTIONS, pipelining: 1 })
const headers = eventHeaders('0')
const body = Buffer.from(jsonBody(1024))

async function deliver(): Promise<never> {
  for (;;) {
    const response = await pool.request({ path: '/', method: 'POST', headers, body })
    await response.body.dump()
  }
}
process.send?.({ port: 0 })
await Promise.all(Array.from({ length: CONNECTIONS }, deliver))

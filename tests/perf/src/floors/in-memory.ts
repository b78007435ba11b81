// F3: what a broker with one trigger would be if nothing had to last: node:http, an array, Pool.request. It filters on
// the type, answers 202 before anything is delivered, and loses everything when it stops.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { Pool } from 'undici'
import { listen } from '../load/program.ts'
import { EVENT_TYPE } from '../load/request.ts'

interface Waiting {
  readonly headers: Record<string, string>
  readonly body: Buffer
}

const CONNECTIONS = 64
const pool = new Pool(process.argv[2] ?? '', { connections: CONNECTIONS, pipelining: 1 })
let waiting: Waiting[] = []
let taken = 0
let inFlight = 0

function eventHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    if (name.startsWith('ce-') || name === 'content-type') kept[name] = headers[name] as string
  }
  return kept
}

async function deliver({ headers, body }: Waiting): Promise<void> {
  const response = await pool.request({ path: '/', method: 'POST', headers, body })
  await response.body.dump()
}

function pump(): void {
  while (inFlight < CONNECTIONS && taken < waiting.length) {
    const next = waiting[taken++] as Waiting
    inFlight += 1
    deliver(next).then(done, done)
  }
  if (taken === waiting.length) {
    waiting = []
    taken = 0
  }
}

function done(): void {
  inFlight -= 1
  pump()
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.statusCode = 202
    response.end()
    if (request.headers['ce-type'] !== EVENT_TYPE) return
    waiting.push({ headers: eventHeaders(request.headers), body: Buffer.concat(chunks) })
    pump()
  })
})
process.send?.({ port: await listen(server) })

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Clock, sleep, systemClock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'

/** A request as it arrived. `n` counts from 1 over all paths; times are monotonic milliseconds of its clock. */
export interface SinkRequest {
  readonly n: number
  readonly at: number
  /** Since the request before, whoever sent it; 0 for the first. */
  readonly gapMs: number
  /** `address:port` of the client. */
  readonly from: string
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Of header `ce-id`, or '' in the other content modes. */
  readonly id: string
}

/** `reset` tears the connection down, `hang` never answers. `delayMs` passes before the status line. */
export type SinkAnswer =
  | number
  | 'reset'
  | 'hang'
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array
      readonly delayMs?: number
    }

export interface SinkOptions {
  /** 0: any free. */
  readonly port?: number
  /** Of arrivals and delays; default the system's. */
  readonly clock?: Clock
  /** Decides the answer to request number `n`; absent: 204 to everything. */
  readonly respond?: (request: SinkRequest, n: number) => SinkAnswer | Promise<SinkAnswer>
  /** Requests kept with headers and body; later ones are answered and counted only. Default 100,000. */
  readonly keepRequests?: number
  /** Bytes of a body that are kept; the rest is read and dropped. Default 2 MiB. */
  readonly keepBodyBytes?: number
}

/** A subscriber on loopback that does as it is told and writes down who came, when, and with what. */
export interface Sink extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** In order of arrival (of the whole body). */
  readonly requests: readonly SinkRequest[]
  /** Requests ever, those not kept included. */
  readonly count: number
  /** Being answered now; hanging ones included. */
  readonly open: number
  /** Of these, the ones that hang or wait for their `delayMs`. */
  readonly held: number
  /** The kept requests once `n` have arrived. Rejects with INTERNAL after `timeoutMs` (default 4,000), saying how many came. */
  received(n: number, timeoutMs?: number): Promise<readonly SinkRequest[]>
  /** Once `check` is true, asked now and at every arrival; rejects as `received` does, naming `what`. */
  until(what: string, check: () => boolean, timeoutMs?: number): Promise<void>
  /** The first kept request that matches, now or later; rejects as `received` does. */
  find(what: string, matches: (request: SinkRequest) => boolean, timeoutMs?: number): Promise<SinkRequest>
}

interface Waiter {
  readonly check: () => boolean
  readonly resolve: () => void
}

/** Listens on 127.0.0.1. Disposing cuts every connection, hanging ones too. */
export async function startSink({
  port = 0,
  clock = systemClock,
  respond = () => 204,
  keepRequests = 100_000,
  keepBodyBytes = 2 * 1024 * 1024,
}: SinkOptions = {}): Promise<Sink> {
  const requests: SinkRequest[] = []
  const waiters = new Set<Waiter>()
  let count = 0
  let open = 0
  const held = new Set<ServerResponse>()
  let last: number | undefined

  const record = (request: IncomingMessage, body: Buffer): SinkRequest => {
    const at = clock.monotonic()
    const seen: SinkRequest = {
      n: ++count,
      at,
      gapMs: last === undefined ? 0 : at - last,
      from: `${request.socket.remoteAddress}:${request.socket.remotePort}`,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      id: String(request.headers['ce-id'] ?? ''),
    }
    last = at
    if (requests.length < keepRequests) requests.push(seen)
    for (const waiter of waiters) if (waiter.check()) waiter.resolve()
    return seen
  }

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request, keepBodyBytes)
    open += 1
    response.once('close', () => {
      open -= 1
      held.delete(response)
    })
    const seen = record(request, body)
    const given = await respond(seen, seen.n)
    const delayMs = typeof given === 'object' ? (given.delayMs ?? 0) : 0
    if (given === 'hang' || delayMs > 0) held.add(response)
    if (delayMs > 0) await sleep(clock, delayMs)
    if (given === 'hang') return
    held.delete(response)
    answer(given, request.socket, response)
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    // A client that goes away in the middle is its own business.
    serve(request, response).catch(() => request.socket.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port

  const until = (what: string, check: () => boolean, timeoutMs = 4_000) =>
    new Promise<void>((resolve, reject) => {
      if (check()) return resolve()
      const end = (settleWith: () => void) => {
        clearTimeout(timer)
        waiters.delete(waiter)
        settleWith()
      }
      const timer = setTimeout(() => {
        const text = `sink on port ${bound}: no ${what} within ${timeoutMs} ms, ${count} requests came`
        end(() => reject(new EventingError({ code: 'INTERNAL' }, text)))
      }, timeoutMs)
      const waiter: Waiter = { check, resolve: () => end(resolve) }
      waiters.add(waiter)
    })

  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    requests,
    get count() {
      return count
    },
    get open() {
      return open
    },
    get held() {
      return held.size
    },
    until,
    async received(n, timeoutMs) {
      await until(`${n} requests`, () => count >= n, timeoutMs)
      return requests
    },
    async find(what, matches, timeoutMs) {
      let found: SinkRequest | undefined
      let looked = 0
      const check = () => {
        while (found === undefined && looked < requests.length) {
          const request = requests[looked++]
          if (request !== undefined && matches(request)) found = request
        }
        return found !== undefined
      }
      await until(what, check, timeoutMs)
      return found as unknown as SinkRequest
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function readBody(request: IncomingMessage, keepBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let kept = 0
  for await (const chunk of request) {
    if (kept < keepBytes) chunks.push(chunk)
    kept += chunk.length
  }
  return Buffer.concat(chunks).subarray(0, keepBytes)
}

function answer(given: Exclude<SinkAnswer, 'hang'>, socket: Socket, response: ServerResponse): void {
  if (given === 'reset') {
    socket.resetAndDestroy()
    return
  }
  const { status, headers = {}, body = '' } = typeof given === 'number' ? { status: given } : given
  response.writeHead(status, headers).end(body)
}

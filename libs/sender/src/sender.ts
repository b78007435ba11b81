import type { Clock } from '@sluice/clock'
import { type Client, Pool } from 'undici'
import type { Answer } from './answer.ts'
import { Connection } from './connection.ts'
import { Deadlines } from './deadlines.ts'
import type { Endpoint } from './endpoint.ts'
import { Exchange, type ExchangeOptions } from './exchange.ts'
import { Trust } from './trust.ts'

/** Requests in flight are bounded above; a connection serves one at a time. */
const MAX_CONNECTIONS = 1_024
const OPTIONS: Client.Options = {
  pipelining: 1,
  allowH2: false,
  maxHeaderSize: 2 ** 17,
  // The whole exchange has one deadline, ours.
  headersTimeout: 0,
  bodyTimeout: 0,
}

export interface SenderDeps {
  readonly clock: Clock
  /** Longest reply read, as it comes over the wire. */
  readonly maxReplyBytes: number
}

export interface OutgoingRequest {
  /** Flat pairs. */
  readonly headers: string[]
  readonly body: Uint8Array | undefined
  readonly wantsReply: boolean
}

/** What makes requests, as the dispatcher sees it. */
export type Outgoing = Pick<Sender, 'adopt' | 'forget' | 'post' | 'abort' | typeof Symbol.asyncDispose>

/**
 * Posts to HTTP addresses over kept connections. One attempt each: no retry, no redirect, no proxy from the
 * environment, TLS verified; only a kept connection that turns out closed is replaced once. Safe for concurrent use. Never rejects.
 */
export class Sender implements AsyncDisposable {
  readonly #maxReplyBytes: number
  readonly #deadlines: Deadlines<Exchange>
  readonly #pools = new Map<string, Pool>()
  readonly #users = new Map<string, number>()
  readonly #trust = new Trust()
  /** Users of a bundle of authorities. */
  readonly #trusting = new Map<string, number>()
  #aborted = false

  constructor({ clock, maxReplyBytes }: SenderDeps) {
    this.#deadlines = new Deadlines(clock)
    this.#maxReplyBytes = maxReplyBytes
  }

  /** Keeps the endpoint's connections until as many `forget`s. */
  adopt({ pool, origin, caCerts }: Endpoint): void {
    if (origin === undefined) return
    this.#users.set(pool, (this.#users.get(pool) ?? 0) + 1)
    if (caCerts !== undefined) this.#trusting.set(caCerts, (this.#trusting.get(caCerts) ?? 0) + 1)
  }

  /** The last one closes the connections, once the requests on them are done. */
  forget({ pool, origin, caCerts }: Endpoint): void {
    if (origin === undefined) return
    if (caCerts !== undefined && leave(this.#trusting, caCerts)) this.#trust.forget(caCerts)
    if (!leave(this.#users, pool)) return
    this.#pools.get(pool)?.close(() => {})
    this.#pools.delete(pool)
  }

  post(endpoint: Endpoint, request: OutgoingRequest): Promise<Answer> {
    const { origin, path, timeoutMs } = endpoint
    if (this.#aborted) return Promise.resolve({ kind: 'aborted' })
    if (origin === undefined) return Promise.resolve({ kind: 'unreachable', problem: 'not an HTTP or HTTPS address' })
    return new Promise((resolve) => {
      const settle: ExchangeOptions['settle'] = (exchange, answer) => {
        this.#deadlines.end(exchange, timeoutMs)
        resolve(answer)
      }
      const { wantsReply, headers, body } = request
      const options = { path, method: 'POST', headers, body: body ?? null } as const
      const again = () => {
        const fresh = this.#connect(origin, endpoint)
        fresh.dispatch(options, exchange)
        fresh.close(() => {})
      }
      const exchange = new Exchange({ wantsReply, timeoutMs, maxReplyBytes: this.#maxReplyBytes, settle, again })
      this.#deadlines.start(exchange, timeoutMs)
      this.#poolOf(origin, endpoint).dispatch(options, exchange)
    })
  }

  /** Ends every request with `aborted`, now and from now on. */
  abort(): void {
    this.#aborted = true
    for (const exchange of this.#deadlines.all()) exchange.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort()
    this.#deadlines[Symbol.dispose]()
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
    this.#pools.clear()
  }

  #poolOf(origin: string, endpoint: Endpoint): Pool {
    let pool = this.#pools.get(endpoint.pool)
    if (pool === undefined) {
      pool = new Pool(origin, { connections: MAX_CONNECTIONS, factory: (to) => this.#connect(to, endpoint) })
      this.#pools.set(endpoint.pool, pool)
    }
    return pool
  }

  #connect(origin: URL | string, { caCerts }: Endpoint): Connection {
    return new Connection(origin, { ...OPTIONS, connect: this.#trust.connector(caCerts) })
  }
}

/** True: it was the last of them. */
function leave(users: Map<string, number>, name: string): boolean {
  const left = (users.get(name) ?? 1) - 1
  if (left > 0) users.set(name, left)
  else users.delete(name)
  return left <= 0
}

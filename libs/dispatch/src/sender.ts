import type { Clock } from '@sluice/clock'
import { buildConnector, type Client, Pool } from 'undici'
import type { Answer } from './answer.ts'
import { Connection } from './connection.ts'
import { Deadlines } from './deadlines.ts'
import type { Endpoint } from './endpoint.ts'
import { Exchange, type ExchangeOptions } from './exchange.ts'

/** Requests in flight are bounded above; a connection serves one at a time. */
const MAX_CONNECTIONS = 1_024
const CONNECT_TIMEOUT_MS = 10_000
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
  /** Shared, so that TLS sessions are. */
  readonly #connector = buildConnector({ allowH2: false, timeout: CONNECT_TIMEOUT_MS })
  #aborted = false

  constructor({ clock, maxReplyBytes }: SenderDeps) {
    this.#deadlines = new Deadlines(clock)
    this.#maxReplyBytes = maxReplyBytes
  }

  /** Keeps the endpoint's connections until as many `forget`s. */
  adopt({ origin }: Endpoint): void {
    if (origin !== undefined) this.#users.set(origin, (this.#users.get(origin) ?? 0) + 1)
  }

  /** The last one closes the connections, once the requests on them are done. */
  forget({ origin }: Endpoint): void {
    if (origin === undefined) return
    const users = (this.#users.get(origin) ?? 1) - 1
    if (users > 0) return void this.#users.set(origin, users)
    this.#users.delete(origin)
    this.#pools.get(origin)?.close(() => {})
    this.#pools.delete(origin)
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
        const fresh = this.#connect(origin)
        fresh.dispatch(options, exchange)
        fresh.close(() => {})
      }
      const exchange = new Exchange({ wantsReply, timeoutMs, maxReplyBytes: this.#maxReplyBytes, settle, again })
      this.#deadlines.start(exchange, timeoutMs)
      this.#poolOf(origin).dispatch(options, exchange)
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

  #poolOf(origin: string): Pool {
    let pool = this.#pools.get(origin)
    if (pool === undefined) {
      pool = new Pool(origin, { connections: MAX_CONNECTIONS, factory: (to) => this.#connect(to) })
      this.#pools.set(origin, pool)
    }
    return pool
  }

  #connect(origin: URL | string): Connection {
    return new Connection(origin, { ...OPTIONS, connect: this.#connector })
  }
}

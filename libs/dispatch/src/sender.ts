import type { Clock } from '@sluice/clock'
import { Pool } from 'undici'
import type { Answer } from './answer.ts'
import { Deadlines } from './deadlines.ts'
import type { Endpoint } from './endpoint.ts'
import { Exchange, type ExchangeOptions } from './exchange.ts'

/** Requests in flight are bounded above; a connection serves one at a time. */
const MAX_CONNECTIONS = 1_024
const CONNECT_TIMEOUT_MS = 10_000
const MAX_HEADER_BYTES = 2 ** 17

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

/**
 * Posts to HTTP addresses over kept connections. One attempt each: no retry, no redirect, no proxy from the
 * environment, TLS verified. Safe for concurrent use. Never rejects.
 */
export class Sender implements AsyncDisposable {
  readonly #maxReplyBytes: number
  readonly #deadlines: Deadlines<Exchange>
  readonly #pools = new Map<string, Pool>()
  readonly #users = new Map<string, number>()
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
      const exchange = new Exchange({ wantsReply, timeoutMs, maxReplyBytes: this.#maxReplyBytes, settle })
      this.#deadlines.start(exchange, timeoutMs)
      this.#poolOf(origin).dispatch({ path, method: 'POST', headers, body: body ?? null }, exchange)
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
      pool = new Pool(origin, {
        connections: MAX_CONNECTIONS,
        pipelining: 1,
        allowH2: false,
        connectTimeout: CONNECT_TIMEOUT_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        // The whole exchange has one deadline, ours.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      this.#pools.set(origin, pool)
    }
    return pool
  }
}

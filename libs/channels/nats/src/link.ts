import {
  connect,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type NodeConnectionOptions,
  nuid,
} from '@nats-io/transport-node'
import { sleep } from '@sluice/clock'
import { checkOptions, DEFAULT_MAX_PAYLOAD, type NatsOptions } from './config.ts'
import { ApiFault, closed, serverSyncsNever, serverTooOld, unavailable } from './errors.ts'
import { hintFor, loginOf, tlsOf } from './login.ts'
import { canSyncAlways, isTooOld, mustErase } from './server-version.ts'

export type NatsState = { readonly state: 'connected' } | { readonly state: 'waiting'; readonly reason: string }

/** Header bytes that are already encoded, as the client takes them. */
export interface RawHeaders {
  encode(): Uint8Array
}

interface Waiting {
  readonly resolve: (message: Msg) => void
  readonly reject: (error: unknown) => void
  ticks: number
}

const CONNECT_TIMEOUT_MS = 2_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1_000
/** A connection on which nothing comes back is given up with the third ping due: after 6-9 s, within a lease. */
const PING_MS = 3_000
const MOST_UNANSWERED_PINGS = 2
const TICK_MS = 1_000
/** A request unanswered for this many ticks has failed. */
const PATIENCE_TICKS = 6
const NO_RESPONDERS = 503
const EMPTY = new Uint8Array()
const OLD_SERVER =
  'a nats-server before 2.10 that is killed may repeat or reorder what waited in it: a newer one does not'

/**
 * One connection at a time, made anew whenever it is lost: nothing that was not sent yet is sent later, behind the back
 * of who was told that it failed. Answers come back through one subscription and are told apart by the last token of
 * their subject, so that a publish costs no subscription and no timer.
 */
export class Link implements AsyncDisposable {
  readonly options: NatsOptions
  readonly #servers: readonly string[]
  readonly #stop = new AbortController()
  readonly #waiting = new Map<string, Waiting>()
  readonly #up = new Set<() => void>()
  readonly #down = new Set<() => void>()
  readonly #ticking = new Set<() => void>()
  #prepare: () => Promise<void> = async () => undefined
  #state: NatsState = { state: 'waiting', reason: 'not connected yet' }
  #connection: NatsConnection | undefined
  #inbox = ''
  #next = 0
  #maxPayload = DEFAULT_MAX_PAYLOAD
  #mustErase = false
  #tick: Disposable | undefined
  #running: Promise<void> | undefined

  constructor(options: NatsOptions) {
    this.options = options
    this.#servers = checkOptions(options)
    this.#scheduleTick()
  }

  /** Resolves after the first try, whatever came of it; rejects when the server it found is too old. */
  async start(prepare: () => Promise<void>): Promise<void> {
    this.#prepare = prepare
    const connection = await this.#connect()
    this.#running = this.#run(connection)
  }

  get state(): NatsState {
    return this.#state
  }

  get isUp(): boolean {
    return this.#state.state === 'connected'
  }

  /** Largest message, headers and all, in bytes. */
  get maxPayload(): number {
    return this.#maxPayload
  }

  /** A deletion is one for good only with the bytes overwritten: the server is old. */
  get mustErase(): boolean {
    return this.#mustErase
  }

  /** The open connection; throws CHANNEL_UNAVAILABLE while there is none and CHANNEL_CLOSED after the end. */
  get connection(): NatsConnection {
    if (this.#stop.signal.aborted && this.#connection === undefined) throw closed()
    if (this.#connection === undefined) {
      throw unavailable(this.#state.state === 'waiting' ? this.#state.reason : 'not connected')
    }
    return this.#connection
  }

  onUp(callback: () => void): Disposable {
    return listen(this.#up, callback)
  }

  onDown(callback: () => void): Disposable {
    return listen(this.#down, callback)
  }

  /** Every second. */
  onTick(callback: () => void): Disposable {
    return listen(this.#ticking, callback)
  }

  newInbox(): string {
    return `_INBOX.${nuid.next()}`
  }

  /** The answer, which may be a status. Rejects with CHANNEL_UNAVAILABLE when none comes. */
  request(subject: string, payload: Uint8Array | string = EMPTY, headers?: RawHeaders): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const { connection } = this
      const id = (this.#next++).toString(36)
      connection.publish(subject, payload, {
        reply: this.#inbox + id,
        ...(headers === undefined ? {} : { headers: headers as unknown as MsgHdrs }),
      })
      this.#waiting.set(id, { resolve, reject, ticks: 0 })
    })
  }

  /** Calls JetStream's API. Throws ApiFault for what it refuses. */
  async api<T>(name: string, body?: object): Promise<T> {
    const message = await this.request(`$JS.API.${name}`, body === undefined ? EMPTY : JSON.stringify(body))
    return parsed(message) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#tick?.[Symbol.dispose]()
    const connection = this.#connection
    this.#lost('closed')
    await connection?.close().catch(() => undefined)
    await this.#running
  }

  async #run(first: NatsConnection | undefined): Promise<void> {
    const { clock, telemetry } = this.options
    const { signal } = this.#stop
    let connection = first
    for (let failures = 0; !signal.aborted; ) {
      if (connection === undefined) {
        await sleep(clock, Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS), signal)
        if (signal.aborted) return
        connection = await this.#connect().catch((error: unknown) => this.#failed(error))
        continue
      }
      failures = 0
      const error = await connection.closed()
      connection = undefined
      if (signal.aborted) return
      const reason = error === undefined ? 'the connection was closed' : reasonOf(error)
      telemetry.log.warn({ reason }, 'connection to NATS lost, connecting again')
      this.#lost(reason)
    }
  }

  async #connect(): Promise<NatsConnection | undefined> {
    let connection: NatsConnection | undefined
    try {
      connection = await connect(this.#connectOptions())
      if (this.#stop.signal.aborted) throw closed()
      const { version, max_payload } = connection.info ?? { version: '0', max_payload: 0 }
      if (isTooOld(version)) throw serverTooOld(version)
      if (this.options.syncAlways === true && !canSyncAlways(version)) throw serverSyncsNever(version)
      this.#maxPayload = max_payload
      this.#mustErase = mustErase(version)
      this.#connection = connection
      this.#subscribe(connection)
      await this.#prepare()
      this.#state = { state: 'connected' }
      this.options.telemetry.log.info({ server: connection.getServer(), version }, 'connected to NATS')
      if (this.#mustErase) this.options.telemetry.log.warn({ version }, OLD_SERVER)
      for (const callback of [...this.#up]) callback()
      return connection
    } catch (error) {
      this.#failed(error, hintFor(error, this.#connectOptions()))
      await connection?.close().catch(() => undefined)
      if ((error as { detail?: { code?: string } }).detail?.code === 'SERVER_UNSUPPORTED') throw error
      return undefined
    }
  }

  #failed(error: unknown, hint = ''): undefined {
    const reason = reasonOf(error) + hint
    const isKnown = this.#state.state === 'waiting' && this.#state.reason === reason
    this.#lost(reason)
    if (!isKnown && !this.#stop.signal.aborted) this.options.telemetry.log.warn({ reason }, 'NATS is waited for')
    return undefined
  }

  #subscribe(connection: NatsConnection): void {
    this.#inbox = `${this.newInbox()}.`
    const start = this.#inbox.length
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error !== null) return
        const id = message.subject.slice(start)
        const waiting = this.#waiting.get(id)
        if (waiting === undefined) return
        this.#waiting.delete(id)
        if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) {
          waiting.reject(unavailable('JetStream does not answer: is it enabled on the server, and has it started?'))
        } else waiting.resolve(message)
      },
    })
  }

  #lost(reason: string): void {
    this.#state = { state: 'waiting', reason }
    const wasThere = this.#connection !== undefined
    this.#connection = undefined
    const error = this.#stop.signal.aborted ? closed() : unavailable(reason)
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
    if (wasThere) for (const callback of [...this.#down]) callback()
  }

  #scheduleTick(): void {
    this.#tick = this.options.clock.after(TICK_MS, () => {
      for (const [id, waiting] of this.#waiting) {
        if (++waiting.ticks < PATIENCE_TICKS) continue
        this.#waiting.delete(id)
        waiting.reject(unavailable('no answer in time'))
      }
      for (const callback of [...this.#ticking]) callback()
      this.#scheduleTick()
    })
  }

  #connectOptions(): NodeConnectionOptions {
    const { auth, connectionName = 'sluice' } = this.options
    const tls = tlsOf(this.#servers, this.options.tls)
    return {
      servers: [...this.#servers],
      name: connectionName,
      timeout: CONNECT_TIMEOUT_MS,
      reconnect: false,
      pingInterval: PING_MS,
      maxPingOut: MOST_UNANSWERED_PINGS,
      noAsyncTraces: true,
      ...(tls === undefined ? {} : { tls }),
      ...loginOf(auth),
    }
  }
}

function listen(set: Set<() => void>, callback: () => void): Disposable {
  set.add(callback)
  return { [Symbol.dispose]: () => void set.delete(callback) }
}

function reasonOf(error: unknown): string {
  const { detail, message, cause } = error as { detail?: { reason?: string }; message?: string; cause?: Error }
  const inner = cause instanceof Error && cause.message !== message ? `: ${cause.message}` : ''
  return detail?.reason ?? `${message ?? String(error)}${inner}`
}

interface Answer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
}

export function parsed(message: Msg): unknown {
  const answer = JSON.parse(Buffer.from(message.data).toString('utf8')) as Answer
  const { error } = answer
  if (error !== undefined) throw new ApiFault(error.code, error.err_code ?? 0, error.description ?? 'no description')
  return answer
}

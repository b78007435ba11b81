import type { Linked } from '@sluice/linked-list'
import type { Dispatcher } from 'undici'
import { type Answer, KEPT_BODY_BYTES } from './answer.ts'
import { retryAfterOf } from './retry-after.ts'

/** An answer nobody wants is read this far, to keep the connection; then the connection is closed. */
const DRAIN_BYTES = 2 ** 20
const NOTHING = Buffer.alloc(0)

export interface ExchangeOptions {
  readonly wantsReply: boolean
  readonly timeoutMs: number
  readonly maxReplyBytes: number
  readonly settle: (exchange: Exchange, answer: Answer) => void
  /** Sends it once more, on a fresh connection. */
  readonly again: (exchange: Exchange) => void
}

/** One request from its start to its answer, as undici's handler. Settles exactly once. */
export class Exchange implements Dispatcher.DispatchHandler, Linked<Exchange> {
  due = 0
  next: Exchange | undefined = undefined
  previous: Exchange | undefined = undefined
  readonly options: ExchangeOptions
  /** What it goes over, where that is a kept connection. */
  connection: { readonly bytesRead: number } | undefined
  #readBefore = 0
  #controller: Dispatcher.DispatchController | undefined
  #settled = false
  #status = 0
  #headers: readonly string[] = []
  #isCloudEvent = false
  #retryAfter: string | undefined
  #chunks: Buffer[] = []
  #bodyBytes = 0
  #keepBytes = 0
  #maxBytes = 0

  constructor(options: ExchangeOptions) {
    this.options = options
  }

  /** The deadline passed. */
  expire(): void {
    this.#end({ kind: 'timeout', problem: `no complete answer within ${this.options.timeoutMs} ms` })
  }

  abort(): void {
    this.#end({ kind: 'aborted' })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#readBefore = this.connection?.bytesRead ?? 0
    if (this.#settled) controller.abort(new Error('given up while it waited for a connection'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (status < 200) return
    this.#status = status
    this.#isCloudEvent = marksCloudEvent(headers)
    this.#retryAfter = retryAfterOf(status, headers)
    const isReply = this.options.wantsReply && this.#isCloudEvent && status < 300 && status !== 202
    if (isReply) this.#headers = asStrings(controller.rawHeaders)
    this.#keepBytes = isReply ? this.options.maxReplyBytes : status < 300 ? 0 : KEPT_BODY_BYTES
    this.#maxBytes = isReply ? this.options.maxReplyBytes : DRAIN_BYTES
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = this.#keepBytes - this.#bodyBytes
    if (room > 0) this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > this.#maxBytes) this.#end(this.#response(true))
  }

  onResponseEnd(): void {
    this.#settle(this.#response(false))
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#settled || !this.#wasStale(error)) {
      this.#settle(problemOf(error))
      return
    }
    this.connection = undefined
    this.#controller = undefined
    this.options.again(this)
  }

  /** The peer had closed the connection after an earlier answer, and gave no byte of this one: it is not a refusal. */
  #wasStale(error: Error & { code?: string }): boolean {
    const isClosed =
      (error.code === 'UND_ERR_SOCKET' && error.message === 'other side closed') || error.code === 'EPIPE'
    return isClosed && this.#readBefore > 0 && this.connection?.bytesRead === this.#readBefore
  }

  #response(isCut: boolean): Answer {
    return {
      kind: 'response',
      status: this.#status,
      headers: this.#headers,
      body: this.#chunks.length === 0 ? NOTHING : Buffer.concat(this.#chunks),
      bodyBytes: this.#bodyBytes,
      isCloudEvent: this.#isCloudEvent,
      retryAfter: this.#retryAfter,
      isCut,
    }
  }

  #settle(answer: Answer): void {
    if (this.#settled) return
    this.#settled = true
    this.options.settle(this, answer)
  }

  /** Settles and closes the connection, which is of no more use. */
  #end(answer: Answer): void {
    this.#settle(answer)
    this.#controller?.abort(new Error('answer not wanted any more'))
  }
}

/** Whether it means to be a CloudEvent, not whether it is one. */
function marksCloudEvent(headers: Record<string, unknown>): boolean {
  const type = headers['content-type']
  if (typeof type === 'string' && type.toLowerCase().startsWith('application/cloudevents')) return true
  for (const name in headers) if (name.startsWith('ce-')) return true
  return false
}

/** Header bytes as Node's own parser shows them: one character per byte. */
function asStrings(raw: unknown): readonly string[] {
  return Array.isArray(raw) ? raw.map((part) => (Buffer.isBuffer(part) ? part.toString('latin1') : String(part))) : []
}

/** A 1xx as the final answer is the peer's protocol error; undici tells it by its text alone. */
function problemOf(error: Error & { code?: string }): Answer {
  const isSwitched =
    error.code === 'UND_ERR_SOCKET' && (error.message === 'bad upgrade' || error.message === 'bad response')
  const problem = error.message === '' ? (error.code ?? error.name) : error.message
  return { kind: isSwitched ? 'switched' : 'unreachable', problem }
}

import { type Msg, nuid, type Subscription } from '@nats-io/transport-node'
import { sleep } from '@sluice/clock'
import { isFault, STREAM_NOT_FOUND, unavailable } from './errors.ts'
import type { Link } from './link.ts'
import { firstFrom } from './store.ts'
import { streamState } from './streams.ts'

export interface Received {
  /** Place in the stream. */
  readonly seq: number
  /** When the server stored it, ms since the epoch. */
  readonly storedAt: number
  /** Matching messages behind this one when it was sent. */
  readonly pending: number
  readonly message: Msg
}

export interface ReadingFrom {
  readonly stream: string
  readonly filter: string
  readonly from: { readonly seq: number } | { readonly time: Date }
  readonly headersOnly?: boolean
  /** Of a scan from a place: what the stream's leader has by now is waited for where a copy is behind. */
  readonly isWhole?: boolean
}

export interface ReaderOptions extends ReadingFrom {
  /** How many more may come now. Asked when there is room again; call `pull` when it grew. */
  readonly room: () => number
  readonly onMessage: (received: Received) => void
}

const NS_PER_MS = 1_000_000
const MAX_BATCH = 256
/** What one pull may bring; one message alone may be larger on servers that allow it. */
const PULL_BYTES = 4 * 1024 * 1024
const EXPIRES_MS = 20_000
const HEARTBEAT_MS = 1_500
/** Silence for more ticks than this with a pull open: the consumer is gone, as with the server in a cluster that had it. */
const SILENT_TICKS = 4
/** Nothing came for this many ticks: what the stream holds is looked at. */
const IDLE_TICKS = 3
const RETRY_MS = 200
/** For a copy that is behind. */
const MOST_WAITS = 25
const INACTIVE_MS = 60_000
const HEARTBEAT = 100
const NO_MESSAGES = 404
const TIMED_OUT = 408
const GONE = 503
/** What is there comes at once; a server that miscounts what is there is not waited for longer. */
const AT_HAND_MS = 1_000
const PENDING = 'Nats-Pending-Messages'

/** Makes a consumer of the server's that keeps nothing: who reads remembers where. Answers what waits. */
async function createConsumer(link: Link, reading: ReadingFrom, name: string): Promise<number> {
  const { stream, filter, from, headersOnly = false } = reading
  const start =
    'seq' in from
      ? { deliver_policy: 'by_start_sequence', opt_start_seq: Math.max(1, from.seq) }
      : { deliver_policy: 'by_start_time', opt_start_time: from.time.toISOString() }
  const config = {
    name,
    ...start,
    ack_policy: 'none',
    replay_policy: 'instant',
    filter_subject: filter,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: INACTIVE_MS * NS_PER_MS,
    ...(headersOnly ? { headers_only: true } : {}),
  }
  const info = await link.api<{ num_pending: number }>(`CONSUMER.CREATE.${stream}.${name}.${filter}`, {
    stream_name: stream,
    config,
  })
  return info.num_pending
}

function pullRequest(batch: number): string {
  return JSON.stringify({
    batch,
    max_bytes: PULL_BYTES,
    expires: EXPIRES_MS * NS_PER_MS,
    idle_heartbeat: HEARTBEAT_MS * NS_PER_MS,
  })
}

/** Of what is there now. */
function pullAtHand(batch: number): string {
  return JSON.stringify({ batch, max_bytes: PULL_BYTES, no_wait: true, expires: AT_HAND_MS * NS_PER_MS })
}

/** `$JS.ACK[.domain.account].stream.consumer.delivered.seq.consumerSeq.ns.pending[.random]` */
export function received(message: Msg): Received & { readonly consumerSeq: number } {
  const tokens = message.reply?.split('.') ?? []
  const at = tokens.length > 9 ? 7 : 5
  return {
    seq: Number(tokens[at]),
    consumerSeq: Number(tokens[at + 1]),
    storedAt: Number((tokens[at + 2] ?? '').slice(0, -6)),
    pending: Number(tokens[at + 3]),
    message,
  }
}

/**
 * Reads a part of a stream in order and without end, no faster than there is room. What a lost connection, a restarted
 * server or a gap interrupts goes on behind the last message that came.
 */
export class Reader implements Disposable {
  readonly #link: Link
  readonly #options: ReaderOptions
  readonly #listening: Disposable[]
  #from: ReadingFrom['from']
  #generation = 0
  #consumer = ''
  #inbox = ''
  #subscription: Subscription | undefined
  #consumerSeq = 0
  #outstanding = 0
  #silent = 0
  #idle = 0
  #isDisposed = false

  constructor(link: Link, options: ReaderOptions) {
    this.#link = link
    this.#options = options
    this.#from = options.from
    this.#listening = [
      link.onUp(() => this.#restart()),
      link.onDown(() => this.#forget()),
      link.onTick(() => {
        if (this.#outstanding === 0) return
        if (++this.#silent > SILENT_TICKS) this.#restart()
        else if (++this.#idle >= IDLE_TICKS) void this.#checkIdle()
      }),
    ]
    this.#restart()
  }

  /** There may be room again. */
  pull(): void {
    if (this.#subscription === undefined || this.#outstanding > MAX_BATCH / 2 || !this.#link.isUp) return
    const batch = Math.min(MAX_BATCH, this.#options.room()) - this.#outstanding
    if (batch <= 0 || (this.#outstanding > 0 && batch < MAX_BATCH / 4)) return
    this.#outstanding += batch
    this.#silent = 0
    const { stream } = this.#options
    this.#link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`, pullRequest(batch), {
      reply: this.#inbox,
    })
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    for (const each of this.#listening) each[Symbol.dispose]()
    const { isUp } = this.#link
    const consumer = this.#consumer
    this.#forget()
    if (isUp && consumer !== '') {
      this.#link.api(`CONSUMER.DELETE.${this.#options.stream}.${consumer}`).catch(() => undefined)
    }
  }

  #forget(): void {
    this.#generation++
    this.#subscription?.unsubscribe()
    this.#subscription = undefined
    this.#consumer = ''
  }

  #restart(): void {
    if (this.#isDisposed || !this.#link.isUp) return
    this.#forget()
    const generation = this.#generation
    this.#begin(generation).catch((error: unknown) => {
      if (generation !== this.#generation || isFault(error, STREAM_NOT_FOUND)) return
      this.#link.options.clock.after(RETRY_MS, () => generation === this.#generation && this.#restart())
    })
  }

  /** Idle, while the stream has more than was read: it may be for others, or the server has forgotten to send it. */
  async #checkIdle(): Promise<void> {
    this.#idle = 0
    const generation = this.#generation
    const state = await streamState(this.#link, this.#options.stream).catch(() => undefined)
    if (state === undefined || generation !== this.#generation || this.#idle > 1) return
    if (!('seq' in this.#from) || state.last_seq >= this.#from.seq) this.#restart()
  }

  async #begin(generation: number): Promise<void> {
    const name = nuid.next()
    await createConsumer(this.#link, { ...this.#options, from: this.#from }, name)
    if (generation !== this.#generation) return
    this.#consumer = name
    this.#inbox = this.#link.newInbox()
    this.#consumerSeq = 0
    this.#outstanding = 0
    this.#silent = 0
    this.#idle = 0
    this.#subscription = this.#link.connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (generation === this.#generation && error === null) this.#take(message)
      },
    })
    this.pull()
  }

  #take(message: Msg): void {
    this.#silent = 0
    if (message.reply === undefined || message.reply === '' || !message.reply.startsWith('$JS.ACK.')) {
      this.#status(message)
      return
    }
    const each = received(message)
    // A gap: messages were lost on the way.
    if (each.consumerSeq !== ++this.#consumerSeq) {
      this.#restart()
      return
    }
    this.#idle = 0
    this.#from = { seq: each.seq + 1 }
    if (this.#outstanding > 0) this.#outstanding--
    this.#options.onMessage(each)
    this.pull()
  }

  /** A heartbeat, or a pull that ended before it was filled. */
  #status(message: Msg): void {
    const { headers } = message
    const code = headers?.code ?? 0
    if (code === HEARTBEAT) return
    if (code === 503 || (code === 409 && /consumer/i.test(headers?.description ?? ''))) {
      this.#forget()
      const generation = this.#generation
      this.#link.options.clock.after(RETRY_MS, () => generation === this.#generation && this.#restart())
      return
    }
    const left = Number(headers?.get(PENDING) || Number.NaN)
    this.#outstanding = Number.isNaN(left) ? 0 : Math.max(0, this.#outstanding - left)
    this.pull()
  }
}

/** Everything of a part of a stream that is there now, in order; ends at the newest. Rejects when interrupted. */
export async function* scan(
  link: Link,
  reading: ReadingFrom,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Received> {
  let { from } = reading
  let left = limit
  let last: number | undefined
  let waits = 0
  // What a server says about what is left behind a message is off when messages were cut or replaced meanwhile; what
  // it counts for a new consumer is right.
  for (;;) {
    const name = nuid.next()
    const pending = await createConsumer(link, { ...reading, from }, name)
    try {
      if (pending === 0) {
        if (reading.isWhole !== true || !('seq' in from)) return
        last ??= (await streamState(link, reading.stream))?.last_seq ?? 0
        const missed = await firstFrom(link, reading.stream, reading.filter, from.seq)
        if (missed === undefined || missed > last) return
        if (++waits > MOST_WAITS) throw unavailable('a copy of the stream is behind')
        await sleep(link.options.clock, RETRY_MS)
        continue
      }
      for await (const each of pulled(link, reading.stream, name, left)) {
        from = { seq: each.seq + 1 }
        yield each
        if (--left <= 0) return
        if (each.pending === 0) break
      }
    } finally {
      remove(link, reading.stream, name)
    }
  }
}

/** What a consumer has at hand, page by page. */
async function* pulled(link: Link, stream: string, name: string, limit: number): AsyncGenerator<Received> {
  const inbox = link.newInbox()
  let buffer: Received[] = []
  let outstanding = 0
  let isEnd = false
  let isDown = false
  let wake: () => void = () => undefined
  const subscription = link.connection.subscribe(inbox, {
    callback: (_, message) => {
      const code = message.headers?.code
      if (message.reply?.startsWith('$JS.ACK.')) {
        outstanding--
        buffer.push(received(message))
      } else {
        outstanding = 0
        isEnd = code === NO_MESSAGES || code === TIMED_OUT || code === GONE
      }
      wake()
    },
  })
  using _ = link.onDown(() => {
    isDown = true
    wake()
  })
  try {
    for (let left = limit; left > 0; ) {
      const page = buffer
      buffer = []
      for (const each of page) {
        if (left-- <= 0) return
        yield each
      }
      if (buffer.length > 0) continue
      if (isDown) throw unavailable('the connection was lost while reading')
      if (isEnd) return
      if (outstanding <= 0) {
        outstanding = Math.min(MAX_BATCH, left)
        link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, pullAtHand(outstanding), {
          reply: inbox,
        })
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  } finally {
    subscription.unsubscribe()
  }
}

function remove(link: Link, stream: string, name: string): void {
  if (link.isUp) link.api(`CONSUMER.DELETE.${stream}.${name}`).catch(() => undefined)
}

/** How many messages wait in a part of a stream. */
export async function countOf(link: Link, reading: ReadingFrom): Promise<number> {
  const name = nuid.next()
  const pending = await createConsumer(link, reading, name)
  remove(link, reading.stream, name)
  return pending
}

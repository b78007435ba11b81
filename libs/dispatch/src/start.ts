import type { ChannelDriver } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import { type ContractSource, createChannels, type Delta, type LogRow } from '@sluice/contract'
import { startFanOut } from '@sluice/filter'
import type { Journal } from '@sluice/journal'
import { type Outgoing, Sender } from '@sluice/sender'
import type { Telemetry } from '@sluice/telemetry'
import { type DispatchDeps, dispatch } from './dispatch.ts'
import { dispatcherEvents, dispatchTelemetry, watchWaiting } from './events.ts'
import { orphaned } from './orphan.ts'
import { Program } from './program.ts'
import { QueueReader, type QueueReaderDeps } from './queue-reader.ts'

/** Events of a queue without a row: enough to park them by and by, few enough to hold nobody up. */
const ORPHAN_WINDOW = 8
/** What the channel may take to store that deliveries were given back, at disposal. */
const RELEASE_MS = 1_000

export interface DispatcherDeps {
  readonly driver: ChannelDriver
  readonly contract: ContractSource
  /** Names this process to the control plane. */
  readonly replica: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Takes a reply into a log. Throws EVENT_TTL_SPENT, EVENT_TOO_LARGE or EVENT_INVALID where it must not enter. */
  readonly admit: (event: CloudEvent, into: LogRow['kind']) => CloudEvent
  /** Where others reach the ingress, for the `knativeerrordest` of a refused reply; default none, only the path. */
  readonly ingressUrl?: string
  /** Longest reply read, as it comes over the wire (base64 and escapes included); default 2 MiB. */
  readonly maxReplyBytes?: number
  /** Events of one broker on their way to subscribers; default 4,096, so that some that hang leave room. */
  readonly maxInFlight?: number
  /** The same in bytes; default 64 MiB. */
  readonly maxInFlightBytes?: number
  /** For the jitter of back-offs, in [0, 1). */
  readonly random?: () => number
  /** Who makes the requests; default one of its own. Disposed with the dispatcher. */
  readonly sender?: Outgoing
  /** Told of every hand-out's end. */
  readonly journal?: Journal | undefined
}

/** A running dispatcher. */
export interface Dispatcher extends AsyncDisposable {
  /** Why it can't deliver yet; undefined when it can. */
  ready(): string | undefined
  /** Takes no new events; resolves once those on their way have ended. Disposing cuts and gives back the rest. */
  drain(): Promise<void>
}

/** Delivers what waits in the queues of every log: subscriber, reply, retries, dead letter sink, parking. Reads the logs of channels. */
export function startDispatcher(deps: DispatcherDeps): Dispatcher {
  const { driver, clock, telemetry, contract, replica, ingressUrl = '', maxReplyBytes = 2 ** 21 } = deps
  const draining = new AbortController()
  const sender = deps.sender ?? new Sender({ clock, maxReplyBytes })
  const shared = dispatchTelemetry(telemetry)
  const program = new Program({
    telemetry: shared,
    ingressUrl,
    adopt: (endpoint) => sender.adopt(endpoint),
    forget: (endpoint) => sender.forget(endpoint),
    clock,
    wake: (channel, queue) => readers.wake(channel, queue),
  })
  const events = dispatcherEvents(shared)
  const revision = () => program.revision
  const dispatching: DispatchDeps = {
    ...{ driver, clock, telemetry, sender, revision, admit: deps.admit, random: deps.random ?? Math.random },
    journal: deps.journal,
    destination: (queue) => program.destination(queue),
    replyLog: (uid) => program.replyLog(uid),
    orphaned: (delivery) => orphaned(delivery, { revision, events }),
  }
  const ofChannels: DispatchDeps = {
    ...dispatching,
    orphaned: (delivery) => orphaned(delivery, { revision, events }, 'channel'),
  }
  const readers: Readers = new Readers({
    ...{ driver, clock, events, maxInFlight: deps.maxInFlight ?? 4_096, draining: draining.signal },
    maxInFlightBytes: deps.maxInFlightBytes ?? 2 ** 26,
    window: (queue) => program.destination(queue)?.gate.window() ?? ORPHAN_WINDOW,
    dispatch: (delivery, of) => dispatch(delivery, of === 'channel' ? ofChannels : dispatching),
  })

  /**
   * Channels first, since they can fail; then all rows at once; then who reads, the logs of channels last. What has no
   * channel is not read and the others are; it is told last, and the whole is tried again.
   */
  const apply = async (delta: Delta): Promise<void> => {
    const failures: unknown[] = []
    const made: LogRow[] = []
    for (const row of delta.put.logs) {
      const making = createChannels(driver, row)
      await making.then(() => made.push(row)).catch((error: unknown) => failures.push(error))
    }
    const changed = program.apply(delta)
    await readers.follow(delta, made)
    await fanOut.apply(delta).catch((error: unknown) => failures.push(error))
    for (const { channel, queue } of changed) readers.wake(channel, queue)
    if (failures.length > 0) throw failures[0]
  }
  const fanOut = startFanOut({ driver, clock, telemetry, journal: deps.journal })
  const watch = contract.watch(replica, apply)
  const waiting = watchWaiting(telemetry, () => program.waiting())

  return {
    ready: () => (program.revision < 0 ? 'no contract yet' : undefined),
    async drain() {
      // What is copied may still be delivered
      if (fanOut.hasLogs()) await fanOut.drain()
      draining.abort()
      program.close()
      await readers.idle()
    },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      waiting[Symbol.dispose]()
      draining.abort()
      program.close()
      sender.abort()
      const given = new AbortController()
      await Promise.race([readers.idle(), sleep(clock, RELEASE_MS, given.signal)])
      given.abort()
      await readers[Symbol.asyncDispose]()
      await fanOut[Symbol.asyncDispose]()
      await sender[Symbol.asyncDispose]()
    },
  }
}

/** One reader per log's queue channel. */
class Readers implements AsyncDisposable {
  readonly #deps: QueueReaderDeps
  /** By log. */
  readonly #readers = new Map<string, { readonly channel: string; readonly reader: QueueReader }>()
  readonly #byChannel = new Map<string, QueueReader>()

  constructor(deps: QueueReaderDeps) {
    this.#deps = deps
  }

  async follow({ removed }: Delta, made: readonly LogRow[]): Promise<void> {
    for (const uid of removed.logs) await this.#close(uid)
    for (const { uid, queues, kind } of made) {
      if (this.#readers.get(uid)?.channel === queues) continue
      await this.#close(uid)
      if (this.#deps.draining.aborted) return
      const reader = new QueueReader({ queues, kind }, this.#deps)
      this.#readers.set(uid, { channel: queues, reader })
      this.#byChannel.set(queues, reader)
    }
  }

  wake(channel: string, queue: string): void {
    this.#byChannel.get(channel)?.wake(queue)
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#readers.values()].map(({ reader }) => reader.idle()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#readers.keys()].map((uid) => this.#close(uid)))
  }

  async #close(uid: string): Promise<void> {
    const running = this.#readers.get(uid)
    if (running === undefined) return
    await running.reader[Symbol.asyncDispose]()
    this.#readers.delete(uid)
    if (this.#byChannel.get(running.channel) === running.reader) this.#byChannel.delete(running.channel)
  }
}

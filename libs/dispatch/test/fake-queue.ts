import type { ChannelDriver, Delivery, Entry, SubscribeOptions, Subscription } from '@sluice/channel'
import type { AttributeValue, CloudEvent } from '@sluice/cloudevents'
import type { ContractSource, DeliveryRow, Delta, LogRow } from '@sluice/contract'

export const REVISION = 7

export function eventOf(id: string, more: Record<string, AttributeValue> = {}): CloudEvent {
  const attributes = { specversion: '1.0', id, source: '/s', type: 'a.b', ...more }
  return { attributes: new Map(Object.entries(attributes)), data: Buffer.from('data'), dataKind: undefined }
}

interface Facts {
  readonly event?: CloudEvent
  readonly queue?: string
  readonly attempt?: number
  readonly handOuts?: number
  readonly note?: string | undefined
  readonly stamp?: number
  readonly headers?: Record<string, string>
}

/** A hand-out that remembers how it ended: `ack`, `nack 200`, `release 0`, `park REASON`. */
export class FakeDelivery implements Delivery {
  readonly event: CloudEvent
  readonly headers: Record<string, string> | undefined
  readonly stamp: number
  readonly laneKey = 'lane key'
  readonly position: string
  readonly queue: string
  readonly lane = 0
  readonly attempt: number
  readonly handOuts: number
  readonly note: string | undefined
  readonly dedupKey: string
  readonly storedAt = 0
  readonly ends: string[] = []
  /** The note it ended with. */
  left: string | undefined

  constructor(position: string, facts: Facts = {}) {
    this.position = position
    this.event = facts.event ?? eventOf(position)
    this.queue = facts.queue ?? 'q'
    this.attempt = facts.attempt ?? 1
    this.handOuts = facts.handOuts ?? 1
    this.note = facts.note
    this.stamp = facts.stamp ?? REVISION
    this.headers = facts.headers
    this.dedupKey = `log-${position}/q`
  }

  /** What the channel hands out after a nack. */
  next(): FakeDelivery {
    const { event, queue, attempt, left, headers } = this
    return new FakeDelivery(this.position, {
      event,
      queue,
      attempt: attempt + 1,
      note: left,
      ...(headers && { headers }),
    })
  }

  async ack() {
    this.ends.push('ack')
  }
  async nack(delayMs: number, note?: string) {
    this.ends.push(`nack ${delayMs}`)
    this.left = note
  }
  async release(delayMs: number) {
    this.ends.push(`release ${delayMs}`)
  }
  async park(reason: string, note?: string) {
    this.ends.push(`park ${reason}`)
    this.left = note
  }
}

/** Queues that hand out what they are given, and logs whose publishes end as told. */
export class FakeDriver {
  readonly publishes: { readonly channel: string; readonly entry: Entry }[] = []
  readonly created: string[] = []
  readonly subscribed: string[] = []
  readonly woken: string[] = []
  options: SubscribeOptions | undefined
  answer: () => Promise<void> = async () => {}
  readonly driver = this as unknown as ChannelDriver
  readonly #waiting: (readonly Delivery[])[] = []
  #push = () => {}

  async create(channel: string) {
    this.created.push(channel)
  }

  async publish(channel: string, entries: readonly Entry[]) {
    for (const entry of entries) this.publishes.push({ channel, entry })
    await this.answer()
    return ['p']
  }

  isRetryable(error: unknown): boolean {
    return (error as Error).message === 'passing'
  }

  hand(...batch: Delivery[]) {
    this.#waiting.push(batch)
    this.#push()
  }

  subscribe(channel: string, _: string, options: SubscribeOptions, signal: AbortSignal): Subscription {
    this.subscribed.push(channel)
    this.options = options
    const waiting = this.#waiting
    const next = () =>
      new Promise<void>((resolve) => {
        this.#push = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    return {
      wake: (queue) => void this.woken.push(queue),
      async *[Symbol.asyncIterator]() {
        while (!signal.aborted) {
          const batch = waiting.shift()
          if (batch === undefined) await next()
          else yield batch
        }
      },
    }
  }
}

/** A contract whose deltas the test hands over one by one. */
export class FakeContract implements ContractSource {
  apply: (delta: Delta) => Promise<void> = async () => {}

  watch(_: string, apply: (delta: Delta) => Promise<void> | void): Disposable {
    this.apply = async (delta) => apply(delta)
    return { [Symbol.dispose]() {} }
  }
}

export const LOG: LogRow = {
  uid: 'log-1',
  hash: 'h',
  kind: 'broker',
  namespace: 'ns',
  name: 'broker',
  channel: 'log channel',
  queues: 'queue channel',
  lanes: 8,
  orderKey: 'partitionkey',
  retention: { maxAgeMs: 1, maxBytes: 1 },
}

export function rowOf(facts: Partial<DeliveryRow> = {}): DeliveryRow {
  const row = {
    uid: 'q',
    namespace: 'ns',
    name: 'trigger',
    channel: LOG.queues,
    subscriber: { url: 'http://subscriber.test/path', internal: false },
    replyLog: LOG.uid,
    spec: { retry: 2, backoffPolicy: 'exponential', backoffDelayMs: 200, timeoutMs: 30_000 } as const,
    maxInFlight: 16,
    backlogMaxBytes: 1,
    strictReplies: false,
    ...facts,
  }
  return { ...row, hash: JSON.stringify(row) }
}

export function deltaOf(facts: {
  revision?: number
  logs?: readonly LogRow[]
  deliveries?: readonly DeliveryRow[]
  removed?: readonly string[]
}): Delta {
  const { revision = REVISION, logs = [], deliveries = [], removed = [] } = facts
  return {
    epoch: 1,
    revision,
    put: { logs, routes: [], ingresses: [], deliveries, sources: [] },
    removed: { logs: [], routes: [], ingresses: [], deliveries: removed, sources: [] },
  }
}

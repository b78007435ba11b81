import type { ChannelDriver, Delivery, Entry, Subscription } from '@sluice/channel'
import type { CloudEvent } from '@sluice/cloudevents'
import type { ContractSource, Delta, LogRow, RouteRow } from '@sluice/contract'

export const REVISION = 7

export function eventOf(id: string, type = 'a'): CloudEvent {
  const attributes = new Map([
    ['specversion', '1.0'],
    ['id', id],
    ['source', '/s'],
    ['type', type],
  ])
  return { attributes, data: undefined, dataKind: undefined }
}

/** A delivery of a log that remembers how it ended. */
export class FakeDelivery implements Delivery {
  readonly event: CloudEvent
  readonly headers = { 'x-request-id': 'r1' }
  readonly stamp: number | undefined
  readonly laneKey = 'lane key'
  readonly position: string
  readonly queue = ''
  readonly lane: number
  readonly attempt = 1
  readonly handOuts: number
  readonly note = undefined
  readonly dedupKey = undefined
  readonly storedAt = 0
  readonly ends: string[] = []

  constructor(id: string, facts: { type?: string; stamp?: number | undefined; handOuts?: number; lane?: number } = {}) {
    this.lane = facts.lane ?? 0
    this.event = eventOf(id, facts.type)
    this.position = id
    this.stamp = 'stamp' in facts ? facts.stamp : REVISION
    this.handOuts = facts.handOuts ?? 1
  }

  async ack() {
    this.ends.push('ack')
  }
  async nack(delayMs: number) {
    this.ends.push(`nack ${delayMs}`)
  }
  async release(delayMs: number) {
    this.ends.push(`release ${delayMs}`)
  }
  async park(reason: string) {
    this.ends.push(`park ${reason}`)
  }
}

interface Publish {
  readonly channel: string
  readonly entries: readonly Entry[]
}

/** One log that hands out what it is given, and queues whose publishes end as told. */
export class FakeDriver {
  readonly publishes: Publish[] = []
  readonly created: string[] = []
  readonly subscribed: string[] = []
  /** Answers each publish; default: stored at once. */
  answer: (publish: Publish) => Promise<void> = async () => {}
  #push: ((batch: readonly Delivery[]) => void) | undefined
  #waiting: (readonly Delivery[])[] = []

  readonly driver = this as unknown as ChannelDriver

  async create(channel: string) {
    this.created.push(channel)
  }

  async publish(channel: string, entries: readonly Entry[]) {
    const publish = { channel, entries }
    this.publishes.push(publish)
    await this.answer(publish)
    return entries.map(() => 'p')
  }

  isRetryable(error: unknown): boolean {
    return (error as Error).message === 'passing'
  }

  hand(...batch: Delivery[]) {
    this.#waiting.push(batch)
    this.#push?.([])
  }

  subscribe(channel: string, _: string, __: unknown, signal: AbortSignal): Subscription {
    this.subscribed.push(channel)
    const waiting = this.#waiting
    const next = () =>
      new Promise<void>((resolve) => {
        this.#push = () => resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    return {
      wake() {},
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

export function routeOf(uid: string, facts: Partial<RouteRow> = {}): RouteRow {
  const row = { uid, namespace: 'ns', name: uid, log: LOG.uid, filter: {}, delivery: `to-${uid}`, since: 0, ...facts }
  return { ...row, hash: JSON.stringify(row) }
}

export function deltaOf(facts: {
  revision?: number
  logs?: readonly LogRow[]
  routes?: readonly RouteRow[]
  removedLogs?: readonly string[]
  removedRoutes?: readonly string[]
}): Delta {
  const { revision = REVISION, logs = [], routes = [], removedLogs = [], removedRoutes = [] } = facts
  return {
    epoch: 1,
    revision,
    put: { logs, routes, ingresses: [], deliveries: [], sources: [] },
    removed: { logs: removedLogs, routes: removedRoutes, ingresses: [], deliveries: [], sources: [] },
  }
}

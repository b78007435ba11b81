import type { ChannelDriver, Delivery, Entry, Position } from '@sluice/channel'
import { openEmbeddedDriver } from '@sluice/channel-embedded'
import { createEvent } from '@sluice/cloudevents'
import {
  createChannels,
  createContractStore,
  type DeliveryRow,
  DISPATCH_SUBSCRIPTION,
  FILTER_SUBSCRIPTION,
  type FilterSpec,
  type FormerTrigger,
  type LogRow,
  type RouteRow,
  type Rows,
} from '@sluice/contract'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { startRedelivery } from '../src/index.ts'

export const HOUR_MS = 3_600_000

export const LOG: LogRow = {
  kind: 'broker',
  ...{ uid: 'log-1', hash: '', namespace: 'shop', name: 'orders', channel: 'log', queues: 'queues' },
  ...{ lanes: 4, orderKey: 'partitionkey', retention: { maxAgeMs: HOUR_MS, maxBytes: 2 ** 30 } },
}

export interface TriggerFacts {
  readonly name: string
  readonly filter?: FilterSpec
  readonly backlogMaxBytes?: number
  /** Default `to-<name>`. */
  readonly uid?: string
}

export function rowsOf(triggers: readonly TriggerFacts[], formerTriggers: readonly FormerTrigger[] = []): Rows {
  const routes = triggers.map(
    ({ name, filter = {}, uid = `to-${name}` }): RouteRow => ({
      ...{ uid, hash: '', namespace: 'shop', name, log: LOG.uid, filter, delivery: uid, since: 0 },
    }),
  )
  const deliveries = triggers.map(
    ({ name, backlogMaxBytes = 2 ** 30, uid = `to-${name}` }): DeliveryRow => ({
      ...{ uid, hash: '', namespace: 'shop', name, channel: LOG.queues, backlogMaxBytes, strictReplies: false },
      ...{ subscriber: { url: 'http://127.0.0.1:1/', internal: false }, maxInFlight: 10 },
      spec: { retry: 0, backoffPolicy: 'linear', backoffDelayMs: 1, timeoutMs: 1 },
    }),
  )
  const log = formerTriggers.length > 0 ? { ...LOG, formerTriggers } : LOG
  return { logs: [log], ingresses: [], routes, deliveries, sources: [] }
}

type Json = Record<string, unknown>

/** A broker of the embedded store in memory, on the virtual clock, and what an operator asks of it. */
export async function arrange(triggers: readonly TriggerFacts[] = [{ name: 'bill' }, { name: 'mail' }]) {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const driver = await openEmbeddedDriver({ dataDir: ':memory:', clock, log: telemetry.log })
  const contract = await createContractStore({ clock, telemetry })
  await contract.publish(rowsOf(triggers))
  await createChannels(driver, LOG)
  let ids = 0
  const redelivery = startRedelivery({ driver, contract, clock, telemetry, newId: () => `job-${++ids}` })
  const stopped = new AbortController()

  /** What comes of it, time moving on as far as it needs. */
  async function inTime<T>(work: Promise<T>, stepMs = 10, steps = 1_000): Promise<T> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    work.then(over, over)
    for (let step = 0; step < steps && !isOver; step++) await clock.advance(stepMs)
    return work
  }

  function ask(question: string, body?: object | string): Promise<Json> {
    const [method, target = ''] = question.split(' ')
    const url = new URL(target, 'http://control')
    for (const route of redelivery.routes) {
      const parts = new RegExp(`^${route.path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`).exec(url.pathname)
      if (parts === null || route.method !== method) continue
      const text = typeof body === 'object' ? JSON.stringify(body) : body
      const request = { path: { ...parts.groups }, query: url.searchParams }
      return route.answer({ ...request, body: text === undefined ? undefined : Buffer.from(text) }) as Promise<Json>
    }
    throw new Error(`no route answers ${question}`)
  }

  return {
    ...{ clock, telemetry, driver, contract, redelivery, inTime },
    /** Answers what comes of it within ten seconds of virtual time. */
    ask: (question: string, body?: object | string) => inTime(ask(question, body)),
    /** Answers at once or when time is moved on. */
    begin: ask,
    publish: (channel: string, entries: readonly Entry[]) => inTime(driver.publish(channel, entries)),
    read: async (channel: string, from: Position | 'oldest' = 'oldest') =>
      inTime(Array.fromAsync(driver.read(channel, from, stopped.signal))),
    parked: (queue?: string) =>
      inTime(driver.parked(LOG.queues, { ...(queue === undefined ? {} : { queue }), limit: 1_000 })),
    /** Consumes all queues; every hand-out ends as `end` says. */
    consume(end: (delivery: Delivery) => Promise<void> = (delivery) => delivery.ack()): Delivery[] {
      return consuming(driver, LOG.queues, DISPATCH_SUBSCRIPTION, end, stopped.signal)
    },
    /** Reads the log as the filter does, so that retention may cut what ended. */
    pass: (end: (delivery: Delivery) => Promise<void> = (delivery) => delivery.ack()) =>
      consuming(driver, LOG.channel, FILTER_SUBSCRIPTION, end, stopped.signal),
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await inTime(Promise.resolve(redelivery[Symbol.asyncDispose]()))
      await inTime(Promise.resolve(driver[Symbol.asyncDispose]()))
    },
  }
}

function consuming(
  driver: ChannelDriver,
  channel: string,
  subscription: string,
  end: (delivery: Delivery) => Promise<void>,
  signal: AbortSignal,
): Delivery[] {
  const seen: Delivery[] = []
  const options = { maxInFlight: 1_000, maxInFlightBytes: 2 ** 30 }
  void (async () => {
    for await (const batch of driver.subscribe(channel, subscription, options, signal)) {
      seen.push(...batch)
      for (const delivery of batch) await end(delivery)
    }
  })()
  return seen
}

export function entryOf(id: string | number, facts: Partial<Entry> & { readonly type?: string } = {}): Entry {
  const { type = 'sent', ...rest } = facts
  const event = createEvent({ specversion: '1.0', id: String(id), source: '/s', type }, Buffer.from('{"n":1}'), 'json')
  return { event, laneKey: 'one', ...rest }
}

export function entriesOf(count: number, facts: (i: number) => Parameters<typeof entryOf>[1] = () => ({})): Entry[] {
  return Array.from({ length: count }, (_, i) => entryOf(i, facts(i)))
}

export function idsOf(deliveries: readonly Pick<Delivery, 'event'>[]): string[] {
  return deliveries.map(({ event }) => String(event.attributes.get('id')))
}

import { describe, expect, test } from '@jest/globals'
import { connect } from '@nats-io/transport-node'
import type { ChannelDriver, Delivery } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { judge, provisionNats, startNats, startNatsCluster } from '@sluice/testkit'
import { openNatsDriver } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

const EVENTS = 1_600
const IN_FLIGHT = 64
const QUEUE = { kind: 'queue', lanes: 4, subscriptions: ['reader'] } as const
const CLUSTER_MS = 120_000

const provisioned = await provisionNats()
const onCluster = provisioned.found?.kind === 'program' ? test : test.skip
if (provisioned.found?.kind !== 'program') process.stdout.write(`clusters are not tested: ${provisioned.report}\n`)

const options = (url: string) => ({ url, clock: systemClock, telemetry: silentTelemetry, leaseMs: 1_000 })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function entryOf(id: string) {
  const attributes = new Map(Object.entries({ specversion: '1.0', id, source: '/test', type: 't' }))
  const event = { attributes, data: undefined, dataKind: undefined }
  return { event, laneKey: id, queue: 'one', dedupKey: id }
}

/** Bounded in count and, by the pauses between, in time. */
async function until(what: string, isMet: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (await isMet()) return
    await pause(20)
  }
  throw new Error(`waited in vain for ${what}`)
}

/** Resolves once it is stored, however often that takes. */
async function insist<T>(driver: ChannelDriver, act: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 1_000; tries++) {
    try {
      return await act()
    } catch (error) {
      if (!driver.isRetryable(error)) throw error
      await pause(50)
    }
  }
  throw new Error('a thousand tries')
}

async function publishAll(driver: ChannelDriver, ids: readonly string[], stored: (id: string) => void): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let n = next++; n < ids.length; n = next++) {
      const id = ids[n] as string
      await insist(driver, () => driver.publish('kept', [entryOf(id)]))
      stored(id)
      await pause(5)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

async function consume(driver: ChannelDriver, signal: AbortSignal, onDelivery: (delivery: Delivery) => void) {
  for await (const batch of driver.subscribe('kept', 'reader', { maxInFlight: 100, maxInFlightBytes: 1e8 }, signal)) {
    for (const delivery of batch) {
      onDelivery(delivery)
      await delivery.ack().catch(() => undefined)
    }
  }
}

const STREAMS = ['sluice_state', 'sluice_aside_kept', 'sluice_events_kept']

/** Of each stream; undefined where none answers, as while the servers agree on who leads it. */
async function copiesOf(url: string): Promise<(number | undefined)[]> {
  const client = await connect({ servers: url.split(',') })
  const copies = STREAMS.map(async (stream) => {
    const answer = await client.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: 2_000 }).catch(() => undefined)
    return answer?.json<{ config?: { num_replicas: number } }>().config?.num_replicas
  })
  try {
    return await Promise.all(copies)
  } finally {
    await client.close()
  }
}

const untilCopies = (count: number, url: string) =>
  until(`${count} copies`, async () => (await copiesOf(url)).every((each) => each === count))

describe('a cluster of three servers', () => {
  onCluster(
    `three copies: each server is killed in turn under load, nothing is lost, and the driver goes on with another (${provisioned.report})`,
    async () => {
      await using cluster = await startNatsCluster(provisioned)
      if (cluster === undefined) return
      await using publisher = await openNatsDriver({ ...options(cluster.url), replicas: 3 })
      await using consumer = await openNatsDriver({ ...options(cluster.url), replicas: 3 })
      expect(publisher.capabilities.durable).toEqual({ replicas: 3 })
      for (const driver of [publisher, consumer]) {
        await until('the cluster', () => driver.connection.state === 'connected')
        await insist(driver, () => driver.create('kept', QUEUE))
      }
      await untilCopies(3, cluster.url)

      const sent = Array.from({ length: EVENTS }, (_, n) => `e${n}`)
      const stored = new Set<string>()
      const received: string[] = []
      const stop = new AbortController()
      const consuming = consume(consumer, stop.signal, ({ event }) => received.push(String(event.attributes.get('id'))))
      const publishing = publishAll(publisher, sent, (id) => stored.add(id))
      for (const [n, server] of cluster.servers.entries()) {
        const before = stored.size
        await until('load', () => stored.size > before + EVENTS / 10)
        await server.kill('SIGKILL')
        await until('load with two', () => stored.size > (n + 1) * (EVENTS / 4))
        await server.start()
      }
      await publishing
      const missing = () => judge({ sent, received }).missing
      await until('everything', () => missing().length === 0)
      stop.abort()
      await consuming
      const verdict = judge({ sent, received })
      expect(verdict).toMatchObject({ missing: [], surplus: [] })
      // What was under way, or not yet in a cursor, at three kills
      expect(verdict.repeats).toBeLessThanOrEqual(3 * (100 + IN_FLIGHT))
    },
    CLUSTER_MS,
  )

  onCluster(
    'streams that were made with one copy get three when three are declared',
    async () => {
      await using cluster = await startNatsCluster(provisioned)
      if (cluster === undefined) return
      const makeWith = async (replicas: number) => {
        await using driver = await openNatsDriver({ ...options(cluster.url), replicas })
        await until('the cluster', () => driver.connection.state === 'connected')
        await insist(driver, () => driver.create('kept', QUEUE))
      }
      await makeWith(1)
      await untilCopies(1, cluster.url)
      await makeWith(3)
      await untilCopies(3, cluster.url)
      await makeWith(1)
      await untilCopies(3, cluster.url)
    },
    CLUSTER_MS,
  )
})

describe('a server that syncs each write', () => {
  onCluster('is declared as disk where it can be told to, and refused where it can not', async () => {
    const syncing = async (jetStream = '') => {
      await using server = await startNats(provisioned, '', jetStream)
      if (server === undefined) return undefined
      const opening = openNatsDriver({ ...options(server.url), syncAlways: true })
      const driver = await opening.catch((error: unknown) => error as Error & { detail?: { code: string } })
      if (driver instanceof Error) return { refused: driver.detail?.code, message: driver.message }
      await using _ = driver
      await driver.create('kept', QUEUE)
      await driver.publish('kept', [entryOf('one')])
      const stop = new AbortController()
      const received: string[] = []
      const consuming = consume(driver, stop.signal, ({ event }) => received.push(String(event.attributes.get('id'))))
      await until('the event', () => received.length > 0)
      stop.abort()
      await consuming
      return { durable: driver.capabilities.durable, received }
    }
    const found = await syncing()
    if (found?.refused === undefined) {
      expect(await syncing('sync_interval: always')).toEqual({ durable: 'disk', received: ['one'] })
    } else expect(found).toEqual({ refused: 'SERVER_UNSUPPORTED', message: expect.stringMatching(/2\.10\.0 or newer/) })
  })
})

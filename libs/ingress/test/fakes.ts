import { connect } from 'node:net'
import type { ChannelDriver, Entry } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { systemClock } from '@sluice/clock'
import type { ContractSource, DeliveryRow, Delta, IngressRow, LogRow, Rows } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { createTestTelemetry, type TestTelemetry } from '@sluice/telemetry/testing'
import { settle } from '@sluice/testkit'
import { type Ingress, type IngressOptions, startIngress } from '../src/index.ts'

/** A channel in an array. Hooks replace what one test needs otherwise. */
export interface FakeDriver extends ChannelDriver {
  readonly stored: { readonly channel: string; readonly entry: Entry }[]
  readonly created: string[]
  /** Awaited before an event is stored. */
  beforeStore: () => Promise<void> | void
  beforeCreate: (channel: string) => Promise<void> | void
  /** Bytes by channel, or by `channel/queue`. */
  readonly bytes: Map<string, number>
  readonly asked: string[]
}

export function fakeDriver(maxEventBytes = 2 ** 30): FakeDriver {
  const notUsed = () => {
    throw new EventingError({ code: 'INTERNAL' }, 'not used here')
  }
  const driver: FakeDriver = {
    name: 'fake',
    capabilities: { durable: 'process', dedupWindowMs: 0, maxEventBytes, shared: false, readFromTime: false },
    stored: [],
    created: [],
    asked: [],
    bytes: new Map(),
    beforeStore: () => {},
    beforeCreate: () => {},
    async create(channel) {
      await driver.beforeCreate(channel)
      driver.created.push(channel)
    },
    async publish(channel, entries) {
      await driver.beforeStore()
      for (const entry of entries) driver.stored.push({ channel, entry })
      return entries.map((_, i) => String(i))
    },
    async backlog(channel, _subscription, queue) {
      const name = queue === undefined ? channel : `${channel}/${queue}`
      driver.asked.push(name)
      return { events: 0, bytes: driver.bytes.get(name) ?? 0 }
    },
    isRetryable: (error) => error instanceof EventingError && error.detail.code === 'CHANNEL_UNAVAILABLE',
    remove: notUsed,
    subscribe: notUsed,
    read: notUsed,
    beginning: notUsed,
    parked: notUsed,
    parkedCount: notUsed,
    redrive: notUsed,
    purge: notUsed,
    async [Symbol.asyncDispose]() {},
  }
  return driver
}

export const LOG: LogRow = {
  uid: 'log-1',
  hash: '',
  kind: 'broker',
  namespace: 'shop',
  name: 'orders',
  channel: 'shop.orders.log',
  queues: 'shop.orders.queues',
  lanes: 8,
  orderKey: 'partitionkey',
  retention: { maxAgeMs: 60_000, maxBytes: 1000 },
}
export const INGRESS: IngressRow = {
  uid: 'ingress-1',
  hash: '',
  namespace: 'shop',
  name: 'orders',
  path: '/shop/orders',
  log: LOG.uid,
}

export function deliveryRow(uid: string, backlogMaxBytes: number): DeliveryRow {
  return {
    ...{ uid, backlogMaxBytes, hash: '', namespace: 'shop', name: uid, channel: LOG.queues, maxInFlight: 1 },
    subscriber: { url: 'http://127.0.0.1:1/', internal: false },
    spec: { retry: 0, backoffPolicy: 'linear', backoffDelayMs: 0, timeoutMs: 1 },
    strictReplies: false,
  }
}

export interface FakeContract extends ContractSource {
  put(rows: Partial<Rows>, removed?: Partial<Delta['removed']>): Promise<void>
}

export function fakeContract(): FakeContract {
  let revision = 6
  let apply: ((delta: Delta) => Promise<void> | void) | undefined
  const none = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }
  return {
    watch(_replica, onDelta) {
      apply = onDelta
      return { [Symbol.dispose]: () => (apply = undefined) }
    },
    async put(rows, removed = {}) {
      revision += 1
      await apply?.({ epoch: 1, revision, put: { ...none, ...rows }, removed: { ...none, ...removed } })
    },
  }
}

export interface Rig extends AsyncDisposable {
  readonly ingress: Ingress
  readonly driver: FakeDriver
  readonly contract: FakeContract
  readonly telemetry: TestTelemetry
}

/** An ingress on a free port with one broker, `/shop/orders`. */
export async function startRig(options: Partial<IngressOptions> & { driver?: FakeDriver } = {}): Promise<Rig> {
  const driver = options.driver ?? fakeDriver()
  const contract = fakeContract()
  const telemetry = createTestTelemetry()
  const clock: Clock = systemClock
  const base = { host: '127.0.0.1', port: 0, replica: 'a', clock, telemetry, contract }
  const ingress = await startIngress({ ...base, ...options, driver })
  await contract.put({ logs: [LOG], ingresses: [INGRESS] })
  return { ingress, driver, contract, telemetry, [Symbol.asyncDispose]: () => ingress[Symbol.asyncDispose]() }
}

/** Valid headers of an event in binary mode, and those of a test. */
export function binary(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { 'ce-specversion': '1.0', 'ce-id': 'id-1', 'ce-source': '/shop', 'ce-type': 'order.created', ...extra }
}

/** One request as text, with the event of `binary`. */
export function rawPost(body: string, extra: Readonly<Record<string, string>> = {}): string {
  const headers = { Host: 'x', ...binary(), 'Content-Length': String(Buffer.byteLength(body)), ...extra }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /shop/orders HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** Sends bytes over a socket of its own; resolves with all that came back once the server closes, or `until` matches. */
export function exchange(port: number, pieces: readonly string[], until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => {
      for (const piece of pieces) socket.write(piece)
    })
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      answer += text
      if (until?.test(answer)) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(answer)
      else reject(error)
    })
    socket.on('close', () => resolve(answer))
  })
}

/** Lets the event loop turn until something holds; gives up after 10,000 turns, and the expectation that follows fails. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !holds(); turn++) await settle(1)
}

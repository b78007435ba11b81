import { expect, test } from '@jest/globals'
import type { ChannelDriver } from '@sluice/channel'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { settle, VirtualClock } from '@sluice/testkit'
import { createContractStore, type LogRow, NO_ROWS, purgeParked } from './index.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const row = (name: string): LogRow => ({
  kind: 'broker',
  ...{ uid: name, hash: '', namespace: 'shop', name, channel: `log/${name}`, queues: `queues/${name}` },
  ...{ lanes: 8, orderKey: 'partitionkey', retention: { maxAgeMs: 1, maxBytes: 1 } },
})
const rows = (...names: string[]) => ({ ...NO_ROWS, logs: names.map(row) })

async function arrange(...names: string[]) {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const contract = await createContractStore({ clock, telemetry })
  /** When each parked event was parked, by channel. */
  const parked = new Map<string, number[]>()
  const broken = new Set<string>()
  const asked: string[] = []
  const driver: Pick<ChannelDriver, 'create' | 'purge' | 'parked' | 'parkedCount'> = {
    create: async () => {},
    parked: async () => [],
    async purge(channel, which) {
      asked.push(channel)
      if (broken.has(channel)) throw Object.assign(new Error('disk'), { code: 'EIO' })
      const before = 'parkedBefore' in which ? which.parkedBefore.getTime() : 0
      const all = parked.get(channel) ?? []
      const kept = all.filter((at) => at >= before)
      parked.set(channel, kept)
      return all.length - kept.length
    },
    parkedCount: async (channel) => parked.get(channel)?.length ?? 0,
  }
  const retention = purgeParked({ driver, contract, clock, telemetry, retentionMs: HOUR_MS })
  await contract.publish(rows(...names))
  await settle()
  return { clock, telemetry, contract, parked, broken, asked, retention }
}

test('what is parked for longer than the retention is deleted within a minute, counted by broker and logged', async () => {
  await using stack = new AsyncDisposableStack()
  const { clock, telemetry, parked, retention } = await arrange('orders', 'bills')
  stack.use(retention)
  parked.set('queues/orders', [clock.now(), clock.now(), clock.now() + 30 * MINUTE_MS])
  parked.set('log/orders', [clock.now()])
  await clock.advance(HOUR_MS)
  expect(telemetry.read('parked_events_purged_total')).toBe(0)
  expect(telemetry.read('parked_events', { namespace: 'shop', broker: 'orders' })).toBe(4)
  await clock.advance(MINUTE_MS)
  expect(telemetry.read('parked_events', { namespace: 'shop', broker: 'orders' })).toBe(1)
  expect(telemetry.read('parked_events', { namespace: 'shop', broker: 'bills' })).toBe(0)
  expect(parked.get('queues/orders')?.length).toBe(1)
  expect(telemetry.read('parked_events_purged_total', { namespace: 'shop', broker: 'orders' })).toBe(3)
  expect(telemetry.read('parked_events_purged_total', { broker: 'bills' })).toBe(0)
  expect(telemetry.lines.filter(({ message }) => message.startsWith('parked events deleted'))).toMatchObject([
    { level: 'warn', fields: { broker: 'orders', channel: 'log/orders', events: 1 } },
    { level: 'warn', fields: { broker: 'orders', channel: 'queues/orders', events: 2 } },
  ])
})

test('a pass that fails is told, spares the other brokers, and is made again', async () => {
  await using stack = new AsyncDisposableStack()
  const { clock, telemetry, parked, broken, retention } = await arrange('orders', 'bills')
  stack.use(retention)
  for (const channel of ['queues/orders', 'queues/bills']) parked.set(channel, [clock.now() - 2 * HOUR_MS])
  broken.add('log/orders')
  await clock.advance(MINUTE_MS)
  expect([parked.get('queues/orders')?.length, parked.get('queues/bills')?.length]).toEqual([1, 0])
  expect(telemetry.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'parked events not purged, will be tried again', fields: { channel: 'log/orders' } },
  ])
  broken.clear()
  await clock.advance(MINUTE_MS)
  expect(parked.get('queues/orders')).toEqual([])
})

test('channels of a deleted broker are asked no more, and none after the stop', async () => {
  const { clock, contract, asked, retention } = await arrange('orders', 'bills')
  await contract.publish(rows('bills'))
  await settle()
  asked.length = 0
  await clock.advance(MINUTE_MS)
  expect(asked).toEqual(['log/bills', 'queues/bills'])
  await retention[Symbol.asyncDispose]()
  await clock.advance(2 * MINUTE_MS)
  expect(asked.length).toBe(2)
})

test('what is parked already is shown as soon as its broker is known, not a minute later', async () => {
  await using stack = new AsyncDisposableStack()
  const { telemetry, parked, contract, retention } = await arrange('orders')
  stack.use(retention)
  parked.set('queues/bills', [1, 2])
  await contract.publish(rows('orders', 'bills'))
  await settle()
  expect(telemetry.read('parked_events', { namespace: 'shop', broker: 'bills' })).toBe(2)
})

import { expect, test } from '@jest/globals'
import type { ChannelDriver } from '@sluice/channel'
import type { Telemetry } from '@sluice/telemetry'
import { VirtualClock } from '@sluice/testkit'
import { removeEndedChannels } from './ended-channels.ts'
import type { Delta, LogRow } from './rows.ts'

const row: LogRow = {
  uid: 'u1',
  hash: '',
  kind: 'broker',
  namespace: 'shop',
  name: 'orders',
  channel: 'log/shop/orders/u1',
  queues: 'queues/shop/orders/u1',
  lanes: 8,
  orderKey: 'partitionkey',
  retention: { maxAgeMs: 1, maxBytes: 1 },
}
const NOTHING = { ingresses: [], routes: [], deliveries: [], sources: [] }
const put = (logs: LogRow[]): Delta => ({
  epoch: 1,
  revision: 1,
  put: { logs, ...NOTHING },
  removed: { logs: [], ...NOTHING },
})
const removal: Delta = { ...put([]), revision: 2, removed: { logs: ['u1'], ...NOTHING } }

type Deps = Parameters<typeof removeEndedChannels>[0]

function arrange({
  held = 0,
  parked = 0,
  failures = 0,
  copy,
}: Partial<Record<'held' | 'parked' | 'failures', number>> & Pick<Deps, 'copy'> = {}) {
  const calls: string[] = []
  const warnings: object[] = []
  const { promise: acknowledged, resolve: acknowledge } = Promise.withResolvers<boolean>()
  let apply: (delta: Delta) => Promise<void> | void = () => {}
  const driver = {
    create: async (channel: string) => void calls.push(`create ${channel}`),
    remove: async (channel: string) => {
      if (failures-- > 0) throw new Error('away')
      calls.push(`remove ${channel}`)
    },
    isRetryable: () => true,
    backlog: async (channel: string) => ({ events: channel.startsWith('log') ? held : 0, bytes: 0 }),
    parked: async (channel: string) => (channel.startsWith('log') ? [] : new Array(parked).fill({})),
  } as unknown as ChannelDriver
  const contract = {
    watch: (_replica: string, applied: typeof apply) => {
      apply = applied
      return { [Symbol.dispose]() {} }
    },
    whenAcknowledged: () => acknowledged,
  }
  const telemetry = {
    counter: () => ({ add: () => {} }),
    log: { info: () => {}, error: () => {}, warn: (fields: object) => void warnings.push(fields) },
  } as unknown as Telemetry
  const clock = new VirtualClock()
  const removing = removeEndedChannels({ driver, contract, clock, telemetry, ...(copy && { copy }) })
  return {
    stop: () => removing[Symbol.dispose](),
    calls,
    clock,
    warnings,
    acknowledge,
    apply: (delta: Delta) => apply(delta),
  }
}

function memoryCopy() {
  let rows: readonly LogRow[] = []
  return {
    load: async () => ({ value: rows }),
    save: async (value: readonly LogRow[]) => {
      rows = value
    },
    uids: () => rows.map(({ uid }) => uid),
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test("a deleted broker's channels go once every role has let go of them", async () => {
  const { calls, warnings, acknowledge, apply } = arrange()
  await apply(put([row]))
  calls.length = 0
  await apply(removal)
  await settle()
  expect(calls).toEqual([])
  acknowledge(true)
  await settle()
  expect(calls).toEqual(['remove log/shop/orders/u1', 'remove queues/shop/orders/u1'])
  expect(warnings).toEqual([])
})

test('while the backend is away it is tried again', async () => {
  const { calls, clock, acknowledge, apply } = arrange({ failures: 2 })
  await apply(put([row]))
  await apply(removal)
  acknowledge(true)
  await clock.advance(2_999)
  expect(calls.filter((call) => call.startsWith('remove'))).toEqual([])
  await clock.advance(1)
  expect(calls.filter((call) => call.startsWith('remove'))).toHaveLength(2)
})

test('a stop before everybody let go removes nothing', async () => {
  const { calls, acknowledge, apply } = arrange()
  await apply(put([row]))
  await apply(removal)
  acknowledge(false)
  await settle()
  expect(calls.filter((call) => call.startsWith('remove'))).toEqual([])
})

test.each([{ held: 2 }, { parked: 1 }])('channels that hold events stay, and that is said: %j', async (holding) => {
  const { calls, warnings, acknowledge, apply } = arrange(holding)
  await apply(put([row]))
  await apply(removal)
  acknowledge(true)
  await settle()
  await settle()
  expect(calls.filter((call) => call.startsWith('remove'))).toEqual([])
  expect(warnings).toMatchObject([{ namespace: 'shop', broker: 'orders' }])
})

test('what a stop interrupted is removed by the next process, once all have let go of what is not there any more', async () => {
  const copy = memoryCopy()
  const before = arrange({ copy })
  await before.apply(put([row]))
  await before.apply(removal)
  before.stop()
  before.acknowledge(false)
  await settle()
  expect([before.calls.filter((call) => call.startsWith('remove')), copy.uids()]).toEqual([[], ['u1']])

  const after = arrange({ copy })
  const other = { ...row, uid: 'u2', channel: 'log/2', queues: 'queues/2' }
  await after.apply(put([other]))
  await settle()
  expect(after.calls).toEqual(['create log/2', 'create queues/2'])
  after.acknowledge(true)
  await settle()
  expect(after.calls.slice(2)).toEqual([
    'create log/shop/orders/u1',
    'create queues/shop/orders/u1',
    'remove log/shop/orders/u1',
    'remove queues/shop/orders/u1',
  ])
  expect(copy.uids()).toEqual(['u2'])
})

test('channels that held events are looked at again by the next process', async () => {
  const copy = memoryCopy()
  const before = arrange({ copy, held: 1 })
  await before.apply(put([row]))
  await before.apply(removal)
  before.acknowledge(true)
  await settle()
  expect(copy.uids()).toEqual(['u1'])
  const after = arrange({ copy })
  await after.apply(put([]))
  after.acknowledge(true)
  await settle()
  expect([after.calls.slice(2), copy.uids()]).toEqual([
    ['remove log/shop/orders/u1', 'remove queues/shop/orders/u1'],
    [],
  ])
})

test('nothing is made before it is known that it will be remembered', async () => {
  const { calls, apply } = arrange({ copy: { ...memoryCopy(), save: () => Promise.reject(new Error('disk full')) } })
  await expect(apply(put([row]))).rejects.toThrow('disk full')
  expect(calls).toEqual([])
})

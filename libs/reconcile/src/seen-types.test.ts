import { describe, expect, test } from '@jest/globals'
import type { ChannelDriver, Position, Stored } from '@sluice/channel'
import { createEvent } from '@sluice/cloudevents'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import type { SeenType } from './programs/index.ts'
import { startSeenTypes } from './seen-types.ts'

const LOG = { uid: 'b', namespace: 'shop', name: 'orders', channel: 'log/b' }
const INGRESS = { log: 'b', path: '/shop/orders' }

function setUp(path = INGRESS.path) {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const stored: { type: string; at: number }[] = []
  const seen: SeenType[] = []
  let isWanted = true
  let failures = 0
  const driver: Pick<ChannelDriver, 'read'> = {
    async *read(_channel, from) {
      if (failures-- > 0) throw new Error('away')
      for (const [i, { type, at }] of stored.entries()) {
        const position = String(i).padStart(6, '0') as Position
        if (from instanceof Date ? at < from.getTime() : position < from) continue
        yield { event: createEvent({ specversion: '1.0', id: '1', source: '/s', type }), position } as Stored
      }
    },
  }
  const types = startSeenTypes({
    ...{ driver, clock, telemetry, isWanted: () => isWanted },
    contract: () => ({ logs: [LOG], ingresses: [{ ...INGRESS, path }] }) as never,
    seen: async (type) => void seen.push(type),
  })
  const store = (type: string) => void stored.push({ type, at: clock.now() })
  return {
    ...{ clock, telemetry, types, seen, store },
    want: (is: boolean) => {
      isWanted = is
    },
    fail: (times: number) => {
      failures = times
    },
  }
}

describe('types of events that come in', () => {
  test('are told once each is stored, from the first look on, and none twice', async () => {
    const { clock, types, seen, store } = setUp()
    store('before')
    await clock.advance(2_000)
    store('a')
    store('b')
    await clock.advance(2_000)
    expect(seen.map(({ type }) => type)).toEqual(['before', 'a', 'b'])
    expect(seen[0]).toEqual({ kind: 'Broker', namespace: 'shop', name: 'orders', type: 'before', source: '/s' })
    store('c')
    await clock.advance(2_000)
    expect(seen.map(({ type }) => type)).toEqual(['before', 'a', 'b', 'c'])
    await types[Symbol.asyncDispose]()
  })

  test('are not looked for while nobody wants them, and not made up for afterwards', async () => {
    const { clock, types, seen, store, want } = setUp()
    want(false)
    await clock.advance(2_000)
    store('a')
    await clock.advance(10_000)
    want(true)
    await clock.advance(2_000)
    store('b')
    await clock.advance(2_000)
    expect(seen.map(({ type }) => type)).toEqual(['b'])
    await types[Symbol.asyncDispose]()
  })

  test('in the log of a source are its own business', async () => {
    const { clock, types, seen, store } = setUp('/source-logs/shop/pingsource/tick')
    store('a')
    await clock.advance(4_000)
    expect(seen).toEqual([])
    await types[Symbol.asyncDispose]()
  })

  test('wait for a store that is away', async () => {
    const { clock, types, seen, store, fail, telemetry } = setUp()
    store('a')
    fail(1)
    await clock.advance(4_000)
    expect(seen.map(({ type }) => type)).toEqual(['a'])
    expect(telemetry.lines.map(({ message }) => message)).toEqual([
      'types of events could not be looked at, will be tried again',
    ])
    await types[Symbol.asyncDispose]()
  })
})

import { describe, expect, test } from '@jest/globals'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { settle, VirtualClock } from '@sluice/testkit'
import { deltaOf, FakeContract, FakeDelivery, FakeDriver, LOG, REVISION, routeOf } from '../test/fake-log.ts'
import { startFilter } from './start.ts'

async function started(routes = [routeOf('t')]) {
  const fake = new FakeDriver()
  const contract = new FakeContract()
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const filter = startFilter({ driver: fake.driver, contract, replica: 'f', clock, telemetry })
  await contract.apply(deltaOf({ logs: [LOG], routes }))
  await settle()
  const hand = async (...batch: FakeDelivery[]) => {
    fake.hand(...batch)
    await settle()
    return batch[0] as FakeDelivery
  }
  return { fake, contract, clock, telemetry, filter, hand }
}

describe('filter', () => {
  test('a match is copied into the queue with its position, lane key, headers and stamp, then acknowledged', async () => {
    const { fake, hand, filter } = await started()
    const delivery = await hand(new FakeDelivery('p1'))
    expect(fake.publishes).toEqual([
      {
        channel: 'queue channel',
        entries: [
          {
            event: delivery.event,
            headers: { 'x-request-id': 'r1' },
            stamp: REVISION,
            laneKey: 'lane key',
            queue: 'to-t',
            dedupKey: 'p1/to-t',
          },
        ],
      },
    ])
    expect(delivery.ends).toEqual(['ack'])
    await filter[Symbol.asyncDispose]()
  })

  test('DLV-13, DLV-19 two triggers that match get one copy each, in one publish', async () => {
    const { fake, hand, telemetry } = await started([
      routeOf('t'),
      routeOf('u'),
      routeOf('v', { filter: { attributes: { type: 'z' } } }),
    ])
    await hand(new FakeDelivery('p1'))
    expect(fake.publishes.map(({ entries }) => entries.map(({ queue }) => queue))).toEqual([['to-t', 'to-u']])
    expect(telemetry.read('filter_matches_total', { namespace: 'ns', broker: 'broker' })).toBe(2)
  })

  test('DLV-16 an event that nothing matches is acknowledged and counted', async () => {
    const { fake, hand, telemetry } = await started([])
    const delivery = await hand(new FakeDelivery('p1'))
    expect(delivery.ends).toEqual(['ack'])
    expect(fake.publishes).toEqual([])
    expect(telemetry.read('filter_unmatched_events_total', { broker: 'broker' })).toBe(1)
  })

  test('publishes stay outstanding, many at a time and in log order; each is acknowledged when its own ends', async () => {
    const { fake, hand } = await started()
    const ends: (() => void)[] = []
    fake.answer = () => new Promise((resolve) => ends.push(resolve))
    const batch = Array.from({ length: 500 }, (_, i) => new FakeDelivery(`p${i}`))
    await hand(...batch)
    expect(fake.publishes.map(({ entries }) => entries[0]?.dedupKey)).toEqual(
      batch.map(({ position }) => `${position}/to-t`),
    )
    expect(batch.every(({ ends }) => ends.length === 0)).toBe(true)
    ends[300]?.()
    await settle()
    expect(batch.flatMap(({ ends }, i) => (ends.length > 0 ? [i] : []))).toEqual([300])
  })

  test('a publish that may pass is repeated with a growing wait, the event held', async () => {
    const { fake, hand, clock, telemetry } = await started()
    let failures = 3
    fake.answer = async () => {
      if (failures-- > 0) throw new Error('passing')
    }
    const delivery = await hand(new FakeDelivery('p1'))
    const published: number[] = []
    for (const wait of [99, 1, 199, 1, 399, 1]) {
      await clock.advance(wait)
      published.push(fake.publishes.length)
    }
    expect(published).toEqual([1, 2, 2, 3, 3, 4])
    expect(delivery.ends).toEqual(['ack'])
    expect(telemetry.read('filter_publish_retries_total')).toBe(3)
    expect(telemetry.read('filter_matches_total')).toBe(1)
  })

  test('publishes that failed are repeated in log order, and what comes meanwhile goes behind them, lane by lane', async () => {
    const { fake, hand, clock } = await started()
    let isDown = true
    fake.answer = async () => {
      if (isDown) throw new Error('passing')
    }
    const published = () => fake.publishes.splice(0).map(({ entries }) => entries[0]?.dedupKey?.split('/')[0])
    const inLane = (position: string, lane: number) => new FakeDelivery(position, { lane })
    await hand(inLane('p1', 0), inLane('p2', 1), inLane('p3', 0))
    await hand(inLane('p4', 0), inLane('p5', 2))
    expect(published()).toEqual(['p1', 'p2', 'p3', 'p5'])
    await clock.advance(100)
    expect(published()).toEqual(['p1', 'p2', 'p5'])
    isDown = false
    await hand(inLane('p6', 0), inLane('p7', 3))
    expect(published()).toEqual(['p7'])
    await clock.advance(200)
    expect(published()).toEqual(['p1', 'p3', 'p4', 'p6', 'p2', 'p5'])
    const last = await hand(inLane('p8', 0))
    expect([published(), last.ends, clock.pending]).toEqual([['p8'], ['ack'], 0])
  })

  test('an event that can not be filtered is parked after three tries, and the next one goes on', async () => {
    const { fake, hand, clock } = await started()
    fake.answer = async ({ entries }) => {
      if (entries[0]?.dedupKey === 'p1/to-t') throw new Error('ours')
    }
    const [bad, good] = [new FakeDelivery('p1'), new FakeDelivery('p2')]
    await hand(bad, good)
    expect(good.ends).toEqual(['ack'])
    await clock.advance(60_000)
    expect(bad.ends).toEqual(['park FILTER_FAILED'])
    expect(fake.publishes).toHaveLength(4)
  })

  test('an event handed out more than five times without outcome is parked unjudged', async () => {
    const { fake, hand } = await started()
    const last = await hand(new FakeDelivery('p1', { handOuts: 5 }))
    const poison = await hand(new FakeDelivery('p2', { handOuts: 6 }))
    expect([last.ends, poison.ends]).toEqual([['ack'], ['park NO_OUTCOME']])
    expect(fake.publishes).toHaveLength(1)
  })

  test('an event stamped newer than the routes waits for them, in order', async () => {
    const { fake, contract, hand } = await started([])
    const [ahead, behind] = [new FakeDelivery('p1', { stamp: REVISION + 2 }), new FakeDelivery('p2')]
    await hand(ahead, behind)
    expect([ahead.ends, behind.ends]).toEqual([[], []])
    await contract.apply(deltaOf({ revision: REVISION + 1 }))
    await settle()
    expect(ahead.ends).toEqual([])
    await contract.apply(deltaOf({ revision: REVISION + 2, routes: [routeOf('t', { since: REVISION + 2 })] }))
    await settle()
    expect([ahead.ends, behind.ends]).toEqual([['ack'], ['ack']])
    expect(fake.publishes.map(({ entries }) => entries[0]?.dedupKey)).toEqual(['p1/to-t'])
  })

  test('an event accepted before a trigger was ready is not for it; one without a stamp is', async () => {
    const { fake, hand } = await started([routeOf('t', { since: REVISION })])
    await hand(new FakeDelivery('p1', { stamp: REVISION - 1 }), new FakeDelivery('p2', { stamp: undefined }))
    expect(fake.publishes.map(({ entries }) => entries[0]?.dedupKey)).toEqual(['p2/to-t'])
  })

  test('a broker removed while its log waits for newer routes gives the event back and blocks no contract', async () => {
    const { contract, hand, filter } = await started()
    const ahead = await hand(new FakeDelivery('p1', { stamp: REVISION + 9 }))
    await contract.apply(deltaOf({ revision: REVISION + 1, removedLogs: [LOG.uid], removedRoutes: ['t'] }))
    await settle()
    expect(ahead.ends).toEqual(['release 0'])
    await filter.drain()
  })

  test('DLV-18 a removed trigger gets nothing more, a changed one answers by its new filter', async () => {
    const { fake, contract, hand } = await started([routeOf('t'), routeOf('u')])
    await contract.apply(
      deltaOf({ revision: 8, routes: [routeOf('u', { filter: { attributes: { type: 'b' } } })], removedRoutes: ['t'] }),
    )
    await hand(new FakeDelivery('p1'), new FakeDelivery('p2', { type: 'b' }))
    expect(fake.publishes.map(({ entries }) => entries.map(({ dedupKey }) => dedupKey))).toEqual([['p2/to-u']])
    expect(fake.subscribed).toEqual(['log channel'])
  })

  test('a filter that can not be built is told by name and rejects', async () => {
    const { fake, hand, telemetry } = await started([routeOf('t', { filter: { filters: [{ exact: { type: '' } }] } })])
    const delivery = await hand(new FakeDelivery('p1'))
    expect(delivery.ends).toEqual(['ack'])
    expect(fake.publishes).toEqual([])
    expect(telemetry.read('filter_refusals_total')).toBe(1)
    expect(telemetry.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)).toEqual([
      { namespace: 'ns', trigger: 't', problem: 'spec.filters[0].exact.type: must be a text that is not empty' },
    ])
  })

  test('an expression that fails rejects its event and is counted; one line in ten minutes says so', async () => {
    const filter = { filters: [{ cesql: "subject != 'x'" }] }
    const { fake, hand, telemetry, clock } = await started([routeOf('t', { filter })])
    await hand(new FakeDelivery('p1'), new FakeDelivery('p2'), new FakeDelivery('p3'))
    await clock.advance(600_000)
    await hand(new FakeDelivery('p4'))
    expect(fake.publishes).toEqual([])
    const labels = { namespace: 'ns', trigger: 't', error: 'missingAttribute' }
    expect(telemetry.read('filter_evaluation_failures_total', labels)).toBe(4)
    const line = { ...labels, clause: 'spec.filters[0].cesql' }
    expect(telemetry.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual([
      { ...line, unsaid: 0 },
      { ...line, unsaid: 2 },
    ])
  })

  test('it is ready with its first contract, whose channels were made before anything was read', async () => {
    const contract = new FakeContract()
    const fake = new FakeDriver()
    const deps = { clock: new VirtualClock(), telemetry: createTestTelemetry(), replica: 'f' }
    const filter = startFilter({ driver: fake.driver, contract, ...deps })
    expect(filter.ready()).toBe('no contract yet')
    await contract.apply(deltaOf({ logs: [LOG] }))
    expect(filter.ready()).toBeUndefined()
    expect(fake.created).toEqual(['log channel', 'queue channel'])
    expect(fake.subscribed).toEqual(['log channel'])
  })

  test('a channel that can not be made fails the delta, and only its log is not read; repeated, it is', async () => {
    const contract = new FakeContract()
    const fake = new FakeDriver()
    let refuse = true
    fake.create = async (channel) => {
      if (refuse && channel === LOG.channel) throw new Error('no disk')
    }
    const deps = { clock: new VirtualClock(), telemetry: createTestTelemetry(), replica: 'f' }
    const filter = startFilter({ driver: fake.driver, contract, ...deps })
    const another = { ...LOG, uid: 'log-2', channel: 'log of another', queues: 'queues of another' }
    const delta = deltaOf({ logs: [LOG, another], routes: [routeOf('t')] })
    await expect(contract.apply(delta)).rejects.toThrow('no disk')
    expect([filter.ready(), fake.subscribed]).toEqual([undefined, ['log of another']])
    refuse = false
    await contract.apply(delta)
    expect(fake.subscribed).toEqual(['log of another', 'log channel'])
  })

  test('draining waits for publishes under way, gives back what waits for a retry, and takes nothing new', async () => {
    const { fake, filter, hand, clock } = await started()
    let end = () => {}
    fake.answer = ({ entries }) =>
      entries[0]?.dedupKey === 'p1/to-t'
        ? new Promise((resolve) => (end = resolve))
        : Promise.reject(new Error('passing'))
    const [running, retrying, late] = [new FakeDelivery('p1'), new FakeDelivery('p2'), new FakeDelivery('p3')]
    await hand(running, retrying)
    let drained = false
    const draining = filter.drain().then(() => (drained = true))
    await hand(late)
    const untouched = new FakeDelivery('p4')
    await hand(untouched)
    expect(untouched.ends).toEqual([])
    expect([retrying.ends, late.ends, drained]).toEqual([['release 0'], ['release 0'], false])
    end()
    await draining
    expect(running.ends).toEqual(['ack'])
    await filter[Symbol.asyncDispose]()
    expect(clock.pending).toBe(0)
  })
})

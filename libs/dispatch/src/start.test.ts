import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type SinkAnswer, settle, startSink, VirtualClock } from '@sluice/testkit'
import { deltaOf, FakeContract, FakeDelivery, FakeDriver, LOG, rowOf } from '../test/fake-queue.ts'
import { startDispatcher } from './start.ts'

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack[Symbol.asyncDispose]())

async function started(respond: () => SinkAnswer = () => 204) {
  const sink = stack.use(await startSink({ respond }))
  const fake = new FakeDriver()
  const contract = new FakeContract()
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const admit = <T>(event: T) => event
  const dispatcher = stack.use(
    startDispatcher({ driver: fake.driver, contract, replica: 'd', clock, telemetry, admit, random: () => 0 }),
  )
  const row = rowOf({ subscriber: { url: sink.url, internal: false } })
  await contract.apply(deltaOf({ logs: [LOG], deliveries: [row] }))
  await settle()
  return { sink, fake, contract, clock, telemetry, dispatcher, row }
}

async function ended(...deliveries: FakeDelivery[]): Promise<string[]> {
  const until = performance.now() + 10_000
  while (performance.now() < until && deliveries.some(({ ends }) => ends.length === 0)) await settle(1)
  return deliveries.flatMap(({ ends }) => ends)
}

describe('dispatcher', () => {
  test('it delivers what its queues hand out', async () => {
    const { sink, fake } = await started()
    const batch = [1, 2, 3].map((n) => new FakeDelivery(`${n}`))
    fake.hand(...batch)
    expect(await ended(...batch)).toEqual(['ack', 'ack', 'ack'])
    expect(sink.requests.map(({ id }) => id).sort()).toEqual(['1', '2', '3'])
  })

  test('RTY-20 the window of a queue is what its row allows; that of an unknown one lets a few through to be parked', async () => {
    const { fake, contract, row } = await started()
    expect([fake.options?.window?.('q'), fake.options?.window?.('unknown')]).toEqual([16, 8])
    await contract.apply(deltaOf({ revision: 8, deliveries: [{ ...row, maxInFlight: 3, hash: 'changed' }] }))
    expect(fake.options?.window?.('q')).toBe(3)
  })

  test('a trigger that is suspended has no window, and is counted', async () => {
    const { fake, contract, row, telemetry } = await started()
    await contract.apply(deltaOf({ revision: 8, deliveries: [{ ...row, suspend: true, hash: 'suspended' }] }))
    expect(fake.options?.window?.('q')).toBe(0)
    expect(telemetry.read('dispatch_triggers_waiting', { why: 'suspended' })).toBe(1)
    expect(telemetry.read('dispatch_triggers_waiting', { why: 'unreachable' })).toBe(0)
  })

  test('a queue is woken when its row came, changed or went, not when it stayed as it was', async () => {
    const { fake, contract, row } = await started()
    expect(fake.woken).toEqual(['q'])
    await contract.apply(deltaOf({ revision: 8, deliveries: [row] }))
    expect(fake.woken).toEqual(['q'])
    await contract.apply(deltaOf({ revision: 9, deliveries: [{ ...row, hash: 'changed' }] }))
    await contract.apply(deltaOf({ revision: 10, removed: ['q'] }))
    expect(fake.woken).toEqual(['q', 'q', 'q'])
    expect(fake.subscribed).toEqual([LOG.queues])
  })

  test('a deleted trigger ends its waiting events parked, a request under way ends by its old row', async () => {
    const { sink, fake, contract } = await started(() => ({ status: 204, delayMs: 20 }))
    const [running, waiting] = [new FakeDelivery('1'), new FakeDelivery('2')]
    fake.hand(running)
    await sink.until('the request', () => sink.open === 1)
    await contract.apply(deltaOf({ revision: 8, removed: ['q'] }))
    fake.hand(waiting)
    expect(await ended(waiting, running)).toEqual(['park TRIGGER_DELETED', 'ack'])
  })

  test('nothing is read before the first contract, and then only from channels that exist', async () => {
    const fake = new FakeDriver()
    const contract = new FakeContract()
    const deps = { clock: new VirtualClock(), telemetry: createTestTelemetry(), replica: 'd' }
    const dispatcher = startDispatcher({ driver: fake.driver, contract, admit: (event) => event, ...deps })
    expect([dispatcher.ready(), fake.subscribed]).toEqual(['no contract yet', []])
    await contract.apply(deltaOf({ logs: [LOG] }))
    expect([dispatcher.ready(), fake.created, fake.subscribed]).toEqual([
      undefined,
      [LOG.channel, LOG.queues],
      [LOG.queues],
    ])
    await dispatcher[Symbol.asyncDispose]()
  })

  test('an end the channel does not store is told, and holds nothing up', async () => {
    const { fake, telemetry, dispatcher } = await started()
    const [stuck, fine] = [new FakeDelivery('1'), new FakeDelivery('2')]
    stuck.ack = async () => {
      stuck.ends.push('lost')
      throw new Error('channel closed')
    }
    fake.hand(stuck, fine)
    expect(await ended(stuck, fine)).toEqual(['lost', 'ack'])
    await dispatcher.drain()
    expect(telemetry.read('dispatch_unsettled_total')).toBe(1)
  })

  test('draining lets requests under way end and gives the rest back', async () => {
    const { sink, fake, dispatcher } = await started(() => ({ status: 204, delayMs: 20 }))
    const [running, late, untouched] = ['1', '2', '3'].map((id) => new FakeDelivery(id)) as [
      FakeDelivery,
      FakeDelivery,
      FakeDelivery,
    ]
    fake.hand(running)
    await sink.until('the request', () => sink.open === 1)
    const draining = dispatcher.drain()
    fake.hand(late)
    fake.hand(untouched)
    await draining
    expect([running.ends, late.ends, untouched.ends, sink.count]).toEqual([['ack'], ['release 0'], [], 1])
  })

  test('disposing cuts requests that hang and gives their events back uncounted', async () => {
    const { sink, fake, dispatcher, clock } = await started(() => 'hang')
    const hanging = new FakeDelivery('1')
    fake.hand(hanging)
    await sink.until('the request', () => sink.open === 1)
    await dispatcher[Symbol.asyncDispose]()
    expect(hanging.ends).toEqual(['release 0'])
    expect(clock.pending).toBe(0)
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { TestTelemetry } from '@sluice/telemetry/testing'
import { type Installation, startInstallation } from './installation.ts'
import { broker, channel, ref, subscription, trigger } from './objects.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-programs-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function until(holds: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(20_000)
  while (!holds()) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const isReady = (installation: Installation, text: string) => {
  const [kind = '', name = ''] = text.split(' ')
  return installation.ready(kind, name) === 'True'
}

const written = ({ telemetry }: Installation) => (telemetry as TestTelemetry).read('reconcile_status_writes_total')

test('DLV-17 on the real registry and runtime: Brokers, Triggers, Channels and Subscriptions come to be Ready', async () => {
  await using installation = await startInstallation(folder)
  const names = Array.from({ length: 10 }, (_, i) => `n${i}`)
  for (const name of names) {
    await installation.create(trigger(name, { broker: name }))
    await installation.create(broker(name))
    await installation.create(channel('Channel', name))
    await installation.create(subscription(name, {}, ref('Channel', name)))
  }
  const kinds = ['Broker', 'Trigger', 'Channel', 'Subscription']
  await until(() => kinds.every((kind) => names.every((name) => installation.ready(kind, name) === 'True')))
  const { logs, routes } = installation.store.contract()
  expect([logs.length, routes.length]).toEqual([20, 20])
  expect(installation.get('InMemoryChannel', 'n0').spec).toMatchObject({ subscribers: [{ name: 'n0' }] })
})

test('statuses of every kind are stored as they were said, whether Ready or not', async () => {
  const CACerts = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----'
  const sink = { uri: 'https://sink/', CACerts, audience: 'a' }
  const delivery = { retry: 1, deadLetterSink: sink }
  const first = await startInstallation(folder)
  await first.create(broker('default', { delivery }))
  await first.create(trigger('t', { subscriber: sink, delivery }))
  await first.create(trigger('lost', { subscriber: ref('Service', 'lost') }))
  await first.create(channel('Channel', 'c', { delivery }))
  await first.create(subscription('s', { subscriber: sink, reply: sink, delivery }, ref('Channel', 'c')))
  await first.create(subscription('lost', {}, ref('KafkaChannel', 'k')))
  await first.create(channel('KafkaChannel', 'k'))
  await first.create(channel('NatsJetStreamChannel', 'n'))
  await until(() =>
    ['Broker default', 'Trigger t', 'Channel c', 'Subscription s'].every((each) => isReady(first, each)),
  )
  await first.reconcilers.settled()
  expect(first.ready('KafkaChannel', 'k')).toBe('False')
  await first[Symbol.asyncDispose]()
  await using again = await startInstallation(folder)
  await again.reconcilers.settled()
  await again.ledger.published()
  expect(written(again)).toBe(0)
  expect(again.get('Subscription', 's').status).toMatchObject({ physicalSubscription: { replyCACerts: CACerts } })
})

test('after a restart the same rows are in force, and no status is written', async () => {
  const first = await startInstallation(folder)
  await first.create(broker())
  for (let i = 0; i < 5; i++) await first.create(trigger(`t${i}`))
  await until(() =>
    Array.from({ length: 5 }, (_, i) => `t${i}`).every((name) => first.ready('Trigger', name) === 'True'),
  )
  await first.reconcilers.settled()
  const before = first.store.contract()
  await first[Symbol.asyncDispose]()
  await using again = await startInstallation(folder)
  await again.reconcilers.settled()
  await again.ledger.published()
  expect(again.store.contract()).toEqual(before)
  expect(written(again)).toBe(0)
})

test('a change of one Broker has its own Triggers looked at, not those of others', async () => {
  await using installation = await startInstallation(folder)
  for (const name of ['a', 'b']) {
    await installation.create(broker(name))
    for (let i = 0; i < 10; i++) await installation.create(trigger(`${name}${i}`, { broker: name }))
  }
  await until(() => ['a9', 'b9'].every((name) => installation.ready('Trigger', name) === 'True'))
  await installation.reconcilers.settled()
  const looked = () => (installation.telemetry as TestTelemetry).read('reconcile_objects_total', { kind: 'Trigger' })
  const before = looked()
  await installation.create(trigger('a10', { broker: 'a' }))
  await until(() => installation.ready('Trigger', 'a10') === 'True')
  await installation.reconcilers.settled()
  expect(looked() - before).toBeLessThan(8)
})

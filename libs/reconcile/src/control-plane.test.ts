import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { contractCopy, createContractStore } from '@sluice/contract'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { BROKER, get, namesOf, served, triggerText } from '../test/applying.ts'
import { fixedAddresses, overChanges, startControlPlane } from './index.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-control-'))
})
afterEach(() => rm(folder, { recursive: true }))

const SERVICE =
  'apiVersion: v1\nkind: Service\nmetadata: {name: sink, annotations: {sluice.dev/url: "http://here:1/"}}\n'

const write = (...texts: readonly string[]) => writeFile(join(folder, 'all.yaml'), texts.join('---\n'))

/** A control plane over the contract in `folder`, with one reader that acknowledges. */
async function start(stack: AsyncDisposableStack) {
  const telemetry = createTestTelemetry()
  const clock = systemClock
  const store = await createContractStore({ clock, telemetry, copy: contractCopy(join(folder, '.data/contract.json')) })
  stack.use(store.watch('dispatcher-0', () => {}))
  const control = stack.use(
    await startControlPlane({
      ...{ clock, telemetry, store: overChanges(store), manifests: folder, services: {} },
      ...{ path: join(folder, '.data/resources.db'), backlogMaxBytes: 1000, parkedRetentionMs: 1000 },
      addresses: fixedAddresses('http://127.0.0.1:8080/'),
      drivers: { default: 'embedded', has: (name) => name === 'embedded', fix: (name) => `name ${name} in DRIVERS` },
      retention: { maxAgeMs: 1000, maxBytes: 1000 },
    }),
  )
  await control.settled()
  return { store, control, contract: store.contract() }
}

/** What one life of it leaves behind. */
async function oneLife() {
  await using stack = new AsyncDisposableStack()
  const { contract, control } = await start(stack)
  const uid = get(control.registry, 'Trigger', 't').metadata.uid
  return { uid, routes: contract.routes, logs: contract.logs, revision: contract.revision }
}

test('settled: the contract says what the manifests and the API say', async () => {
  await write(BROKER, triggerText('t'))
  await using stack = new AsyncDisposableStack()
  const { control, store, contract } = await start(stack)
  expect(contract.routes.map(({ name }) => name)).toEqual(['t'])
  const { metadata: _, ...rest } = get(control.registry, 'Trigger', 't')
  const object = { ...rest, metadata: { name: 'u' } }
  await control.registry.create(served('Trigger'), 'default', object, { fieldManager: 'kubectl' })
  await control.settled()
  expect(
    store
      .contract()
      .routes.map(({ name }) => name)
      .sort(),
  ).toEqual(['t', 'u'])
})

test('a restart keeps uids, rows and the revision', async () => {
  await write(BROKER, triggerText('t'))
  expect(await oneLife()).toEqual(await oneLife())
})

test('a data directory with rows and no resources keeps their uids: one from before there was an API', async () => {
  await write(BROKER, triggerText('t'))
  const before = await oneLife()
  for (const file of ['resources.db', 'resources.db-wal', 'resources.db-shm'])
    await rm(join(folder, '.data', file), { force: true })
  expect(await oneLife()).toMatchObject({ uid: before.uid, logs: before.logs, routes: before.routes })
})

test('TRG-11 a reference without namespace is in that of the Trigger, which reads back as it was written', async () => {
  const spec = 'spec: {broker: default, subscriber: {ref: {apiVersion: v1, kind: Service, name: sink}}}\n'
  await write(BROKER, SERVICE, triggerText('t').replace(/^spec: .*\n/m, spec))
  await using stack = new AsyncDisposableStack()
  const { control, contract } = await start(stack)
  expect(contract.deliveries.map(({ subscriber }) => subscriber.url)).toEqual(['http://here:1/'])
  expect(get(control.registry, 'Trigger', 't').spec).toMatchObject({
    subscriber: { ref: { apiVersion: 'v1', kind: 'Service', name: 'sink' } },
  })
  expect(JSON.stringify(get(control.registry, 'Trigger', 't').spec)).not.toContain('namespace')
  expect(namesOf(control.registry, 'Service')).toContain('default/sink')
})

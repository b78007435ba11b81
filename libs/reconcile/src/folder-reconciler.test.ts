import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clock, systemClock } from '@sluice/clock'
import { contractCopy, createContractStore, type Delta } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { type FolderReconciler, startFolderReconciler, uidCopy } from './index.ts'

const BROKER = 'apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: default}\n'
const trigger = (name: string, url = 'http://sink/') =>
  `apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: ${name}}\nspec: {broker: default, subscriber: {uri: "${url}"}}\n`

const logged: { message: string; fields: object }[] = []
const note = (fields: object, message: string) => void logged.push({ message, fields })
const telemetry: Telemetry = {
  log: { debug: note, info: note, warn: note, error: note },
  counter: () => ({ add: () => {}, bind: () => ({ add: () => {} }) }),
  histogram: () => ({ record: () => {} }),
  gauge: () => ({ [Symbol.dispose]: () => {} }),
  startSpan: undefined,
}

let root = ''
let folder = ''
let running: AsyncDisposableStack
beforeEach(async () => {
  logged.length = 0
  root = await mkdtemp(join(tmpdir(), 'sluice-reconcile-'))
  folder = join(root, 'manifests')
  await mkdir(folder)
  running = new AsyncDisposableStack()
})
afterEach(async () => {
  await running.disposeAsync()
  await rm(root, { recursive: true })
})

const write = (name: string, text: string) => writeFile(join(folder, name), text)

/** Real timers; durations pass only by `elapse`, and `looks` waits until the folder was looked at so often again. */
function lookedAtClock() {
  let elapsedMs = 0
  let looked = 0
  let waiting: { at: number; resolve: () => void } | undefined
  const now = () => {
    looked++
    if (waiting !== undefined && looked >= waiting.at) waiting.resolve()
    return systemClock.now()
  }
  return {
    // looks follow each other quickly whatever the reconciler asks for
    clock: {
      now,
      monotonic: () => elapsedMs,
      after: (delayMs: number, callback: () => void) => systemClock.after(Math.min(delayMs, 5), callback),
    },
    elapse(ms: number) {
      elapsedMs += ms
    },
    looks: (count: number) => new Promise<void>((resolve) => (waiting = { at: looked + count, resolve })),
  }
}

async function start(clock: Clock = systemClock) {
  const store = await createContractStore({
    clock: systemClock,
    telemetry,
    copy: contractCopy(join(root, 'data/contract.json')),
  })
  const reconciler = await startFolderReconciler({
    folder,
    store,
    clock,
    telemetry,
    services: {},
    ingressBase: () => 'http://127.0.0.1:8080',
    backlogMaxBytes: 1000,
    retention: { maxAgeMs: 1000, maxBytes: 1000 },
    parkedRetentionMs: 1000,
    uids: uidCopy(join(root, 'data/uids.json')),
  })
  running.use(reconciler)
  return { store, reconciler }
}

const beyond = (reconciler: FolderReconciler, revision: number) =>
  reconciler.until((state) => state.revision > revision && state.problems.length === 0)

describe('at start', () => {
  test('the folder is in force when the promise fulfils', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    const { store, reconciler } = await start()
    expect(store.contract().routes.map((row) => row.name)).toEqual(['t'])
    expect(reconciler.problems()).toEqual([])
  })

  test('invalid manifests reject with MANIFESTS_INVALID and every problem of every file', async () => {
    await write('a.yaml', BROKER.replace('Broker', 'Channel'))
    await write('b.yml', trigger('T'))
    const error = await start().catch((thrown: unknown) => thrown)
    const problems = isFailure(error, 'MANIFESTS_INVALID') ? error.detail.problems : []
    expect(problems.map((problem) => problem.slice(folder.length + 1).slice(0, 24))).toEqual(
      ['a.yaml:2:7: kind: Channel', 'b.yml:3:18: metadata.name'].map((text) => text.slice(0, 24)),
    )
  })

  test('a folder that is not there rejects with a message that names it', async () => {
    await rm(folder, { recursive: true })
    const error = await start().catch((thrown: unknown) => thrown)
    expect(isFailure(error, 'MANIFESTS_INVALID') && error.detail.problems).toEqual([
      `${folder}:1:1: (folder): does not exist`,
    ])
  })

  test('after a restart uids, hashes and the revision are the same; a new Trigger misses what was accepted before', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    const first = await start()
    const before = first.store.contract()
    await first.reconciler[Symbol.asyncDispose]()
    const second = await start()
    expect(second.store.contract()).toEqual(before)
    await second.reconciler[Symbol.asyncDispose]()
    await write('more.yaml', trigger('later'))
    const third = await start()
    expect(third.store.contract().routes.map((row) => [row.name, row.since])).toEqual([
      ['t', 0],
      ['later', before.revision + 1],
    ])
  })
})

describe('an edit', () => {
  test('takes effect within a second and touches no other row', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('a')}`)
    await write('b.yaml', trigger('b'))
    const { store, reconciler } = await start()
    const deltas: Delta[] = []
    running.use(store.watch('role', (delta) => void deltas.push(delta)))
    const { revision } = store.contract()
    const startedAt = performance.now()
    await write('b.yaml', trigger('b', 'http://other/'))
    await beyond(reconciler, revision)
    expect(performance.now() - startedAt).toBeLessThan(1000)
    await store.whenAcknowledged(revision + 1)
    const last = deltas.at(-1)
    expect(last?.put.deliveries.map((row) => [row.name, row.subscriber.url])).toEqual([['b', 'http://other/']])
    expect(last?.put.routes).toEqual([])
    expect(last?.removed).toEqual({ logs: [], ingresses: [], routes: [], deliveries: [] })
  })

  test('that is invalid is logged once with every problem and changes nothing; mending it clears the problems', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('a')}`)
    const { store, reconciler } = await start()
    const before = store.contract()
    await write('all.yaml', `${BROKER}---\n${trigger('a').replace('broker:', 'brokr:')}`)
    const state = await reconciler.until(({ problems }) => problems.length > 0)
    expect(state?.problems).toEqual([
      `${folder}/all.yaml:8:1: spec.broker: is required (Trigger default/a)`,
      `${folder}/all.yaml:8:8: spec.brokr: is not a known field: did you mean "broker"? (Trigger default/a)`,
    ])
    expect(store.contract()).toEqual(before)
    await write('all.yaml', `${BROKER}---\n${trigger('a', 'http://mended/')}`)
    await beyond(reconciler, before.revision)
    expect(reconciler.problems()).toEqual([])
    expect(logged.filter(({ message }) => message.startsWith('manifests invalid'))).toHaveLength(1)
  })

  test('that puts the former text back clears the problems without a new revision', async () => {
    await write('all.yaml', BROKER)
    const { store, reconciler } = await start()
    const { revision } = store.contract()
    await write('all.yaml', 'kind: [')
    await reconciler.until(({ problems }) => problems.length > 0)
    await write('all.yaml', BROKER)
    await reconciler.until(({ problems }) => problems.length === 0)
    expect(store.contract().revision).toBe(revision)
  })

  test('that removes a file removes its objects; a namesake made later is another object', async () => {
    await write('broker.yaml', BROKER)
    await write('t.yaml', trigger('t'))
    const { store, reconciler } = await start()
    const [before] = store.contract().routes
    await rm(join(folder, 't.yaml'))
    await beyond(reconciler, store.contract().revision)
    expect(store.contract().routes).toEqual([])
    await write('t.yaml', trigger('t'))
    await beyond(reconciler, store.contract().revision)
    expect(store.contract().routes[0]?.uid).not.toBe(before?.uid)
  })

  test('by an editor that empties the file before it writes it again does not delete what is in it', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    const watched = lookedAtClock()
    const { store, reconciler } = await start(watched.clock)
    const before = store.contract()
    await write('all.yaml', '')
    await watched.looks(3)
    watched.elapse(200)
    await watched.looks(3)
    expect(store.contract()).toEqual(before)
    await write('all.yaml', `${BROKER}---\n${trigger('t')}---\n${trigger('u')}`)
    await watched.looks(3)
    watched.elapse(60)
    await beyond(reconciler, before.revision)
    expect(store.contract().logs).toEqual(before.logs)
    expect(store.contract().revision).toBe(before.revision + 1)
  })

  test('that removes everything counts once the folder stayed so', async () => {
    await write('all.yaml', BROKER)
    const watched = lookedAtClock()
    const { store, reconciler } = await start(watched.clock)
    await write('all.yaml', '')
    await watched.looks(3)
    watched.elapse(300)
    await beyond(reconciler, store.contract().revision)
    expect(store.contract().logs).toEqual([])
  })

  test('by way of a mounted ConfigMap, whose link is swung to a new folder, takes effect', async () => {
    await mkdir(join(folder, '..first'))
    await writeFile(join(folder, '..first/all.yaml'), BROKER)
    await symlink('..first', join(folder, '..data'))
    await symlink('..data/all.yaml', join(folder, 'all.yaml'))
    const { store, reconciler } = await start()
    expect(store.contract().logs).toHaveLength(1)
    await mkdir(join(folder, '..second'))
    await writeFile(join(folder, '..second/all.yaml'), `${BROKER}---\n${trigger('t')}`)
    await symlink('..second', join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
    await beyond(reconciler, store.contract().revision)
    expect(store.contract().routes.map((row) => row.name)).toEqual(['t'])
  })

  test('in a subfolder is found by polling', async () => {
    await mkdir(join(folder, 'team/a'), { recursive: true })
    await write('broker.yaml', BROKER)
    const { store, reconciler } = await start()
    await write('team/a/t.yaml', trigger('t'))
    await beyond(reconciler, store.contract().revision)
    expect(store.contract().routes).toHaveLength(1)
  })

  test('the whole folder taken away is a problem, and nothing stops', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    const { store, reconciler } = await start()
    await rename(folder, `${folder}-away`)
    const state = await reconciler.until(({ problems }) => problems.length > 0)
    expect(state?.problems).toEqual([`${folder}:1:1: (folder): does not exist`])
    expect(store.contract().routes).toHaveLength(1)
    await rename(`${folder}-away`, folder)
    await reconciler.until(({ problems }) => problems.length === 0)
  })
})

describe('when the disk fails', () => {
  test('a change that cannot be saved is logged, has no effect, and takes effect once it can', async () => {
    await write('all.yaml', BROKER)
    let isFull = false
    const copy = {
      load: async () => ({}),
      save: async () => (isFull ? Promise.reject(new Error('ENOSPC')) : undefined),
    }
    const store = await createContractStore({ clock: systemClock, telemetry, copy })
    let failed = () => {}
    const hasFailed = new Promise<void>((resolve) => (failed = resolve))
    const log = {
      ...telemetry.log,
      error(fields: object, message: string) {
        note(fields, message)
        failed()
      },
    }
    const reconciler = running.use(
      await startFolderReconciler({
        ...{ folder, store, clock: systemClock, telemetry: { ...telemetry, log }, services: {} },
        ...{
          backlogMaxBytes: 1,
          retention: { maxAgeMs: 1, maxBytes: 1 },
          parkedRetentionMs: 1,
          ingressBase: () => 'http://127.0.0.1:8080',
        },
      }),
    )
    const before = store.contract()
    isFull = true
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    await hasFailed
    expect(store.contract()).toEqual(before)
    isFull = false
    await beyond(reconciler, before.revision)
    expect(store.contract().routes).toHaveLength(1)
  })

  test('stored uids that are damaged are set aside and come back from the contract', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    const first = await start()
    await first.reconciler[Symbol.asyncDispose]()
    await writeFile(join(root, 'data/uids.json'), '[{}')
    const second = await start()
    expect(second.store.contract()).toEqual(first.store.contract())
    expect(logged.map(({ message }) => message)).toContain('stored uids could not be read and were set aside')
  })

  test('a contract that is lost keeps its logs and queues, so that what they hold is still delivered', async () => {
    await write('all.yaml', `${BROKER}---\n${trigger('t')}`)
    const first = await start()
    await first.reconciler[Symbol.asyncDispose]()
    await rm(join(root, 'data/contract.json'))
    const second = await start()
    expect(second.store.contract().logs).toEqual(first.store.contract().logs)
    expect(second.store.contract().routes).toEqual(first.store.contract().routes)
    expect(second.store.contract().revision).toBeGreaterThanOrEqual(first.store.contract().revision)
  })
})

describe('conditions', () => {
  test('DLV-17 a Trigger waits for its Broker by name, then for the roles, then is Ready', async () => {
    await write('t.yaml', trigger('t'))
    const { store, reconciler } = await start()
    const ready = () => reconciler.conditions().find((status) => status.kind === 'Trigger')?.conditions[0]
    expect(ready()).toEqual({
      type: 'Ready',
      status: 'False',
      reason: 'BrokerDoesNotExist',
      message: 'Broker "default" does not exist',
    })
    expect(logged).toContainEqual({
      message: 'object is not ready',
      fields: {
        kind: 'Trigger',
        namespace: 'default',
        name: 't',
        isProgrammed: false,
        type: 'BrokerReady',
        status: 'False',
        reason: 'BrokerDoesNotExist',
        message: 'Broker "default" does not exist',
      },
    })
    const { revision } = store.contract()
    await write('broker.yaml', BROKER)
    await beyond(reconciler, revision)
    expect(ready()).toMatchObject({ status: 'Unknown', reason: 'NotAcknowledged' })
    running.use(store.watch('role', () => {}))
    await store.whenAcknowledged(revision + 1)
    expect(ready()).toEqual({ type: 'Ready', status: 'True' })
  })

  test('an address that changed is taken up by a refresh', async () => {
    await write('all.yaml', BROKER)
    let port = 8080
    const store = await createContractStore({ clock: systemClock, telemetry })
    const options = { services: {}, backlogMaxBytes: 1, retention: { maxAgeMs: 1, maxBytes: 1 }, parkedRetentionMs: 1 }
    const reconciler = running.use(
      await startFolderReconciler({
        ...{ folder, store, clock: systemClock, telemetry, ...options },
        ingressBase: () => `http://127.0.0.1:${port}`,
      }),
    )
    const own = '{ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}'
    await write('t.yaml', trigger('t').replace('{uri: "http://sink/"}', own))
    await beyond(reconciler, store.contract().revision)
    port = 9999
    await reconciler.refresh()
    expect(store.contract().deliveries[0]?.subscriber).toEqual({
      url: 'http://127.0.0.1:9999/default/default',
      internal: true,
    })
  })
})

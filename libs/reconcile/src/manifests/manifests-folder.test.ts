import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clock, systemClock } from '@sluice/clock'
import { EventingError, isFailure } from '@sluice/errors'
import type { Registry } from '@sluice/resource-api'
import { createTestTelemetry, type TestTelemetry } from '@sluice/telemetry/testing'
import { BROKER, get, namesOf, openMemory, served, triggerText } from '../../test/applying.ts'
import { type ManifestsFolder, startManifestsFolder } from './manifests-folder.ts'

let root = ''
let folder = ''
let registry: Registry
let telemetry: TestTelemetry
let running: AsyncDisposableStack
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-folder-'))
  folder = join(root, 'manifests')
  await mkdir(folder)
  running = new AsyncDisposableStack()
  running.defer(() => rm(root, { recursive: true }))
  registry = running.use(await openMemory())
  telemetry = createTestTelemetry()
})
afterEach(() => running.disposeAsync())

const write = (name: string, text: string) => writeFile(join(folder, name), text)
const triggers = () => namesOf(registry, 'Trigger')
const logged = (message: string) => telemetry.lines.filter((line) => line.message.startsWith(message))

async function start(clock: Clock = systemClock, over: Registry = registry): Promise<ManifestsFolder> {
  return running.use(await startManifestsFolder({ folder, registry: over, clock, telemetry }))
}

/** Resolves once it is so, as of the next state that is applied or refused. */
function until(started: ManifestsFolder, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const listening = started.changed(check)
    function check() {
      if (!holds()) return
      listening[Symbol.dispose]()
      resolve()
    }
    check()
  })
}

/** Real timers, 5 ms at most; durations pass only by `elapse`, and `looks` waits until the folder was looked at so often. */
function lookedAtClock() {
  let elapsedMs = 0
  let looked = 0
  let waiting: { at: number; resolve: () => void } | undefined
  return {
    clock: {
      now() {
        looked++
        if (waiting !== undefined && looked >= waiting.at) waiting.resolve()
        return systemClock.now()
      },
      monotonic: () => elapsedMs,
      after: (delayMs: number, callback: () => void) => systemClock.after(Math.min(delayMs, 5), callback),
    },
    elapse(ms: number) {
      elapsedMs += ms
    },
    looks: (count: number) => new Promise<void>((resolve) => (waiting = { at: looked + count, resolve })),
  }
}

describe('at start', () => {
  test('the folder is in the API when the promise fulfils', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('t')}`)
    const started = await start()
    expect([triggers(), started.problems()]).toEqual([['default/t'], []])
  })

  test('invalid manifests reject with every problem of every file, and nothing is changed', async () => {
    await write('a.yaml', `${BROKER}---\n${BROKER.replace('Broker', 'Pod')}`)
    await write('b.yml', triggerText('t').replace('broker:', 'brokr:'))
    const error = await start().catch((thrown: unknown) => thrown)
    const problems = isFailure(error, 'MANIFESTS_INVALID') ? error.detail.problems : []
    expect(
      problems.map((problem) =>
        problem
          .slice(folder.length + 1)
          .split(' ', 2)
          .join(' '),
      ),
    ).toEqual(['a.yaml:6:7: kind:', 'b.yml:4:1: spec.broker:', 'b.yml:4:8: spec.brokr:'])
    expect(namesOf(registry, 'Broker')).toEqual([])
  })

  test('a folder that is not there is a problem that names it', async () => {
    await rm(folder, { recursive: true })
    const error = await start().catch((thrown: unknown) => thrown)
    expect(isFailure(error, 'MANIFESTS_INVALID') && error.detail.problems).toEqual([
      `${folder}:1:1: (folder): does not exist`,
    ])
  })

  test('what left the folder while nothing ran is deleted', async () => {
    await write('all.yaml', BROKER)
    await write('t.yaml', triggerText('t'))
    await (await start())[Symbol.asyncDispose]()
    await rm(join(folder, 't.yaml'))
    await start()
    expect([namesOf(registry, 'Broker'), triggers()]).toEqual([['default/default'], []])
  })
})

describe('an edit', () => {
  test('takes effect and touches no other object', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('a')}`)
    await write('b.yaml', triggerText('b'))
    const started = await start()
    const before = get(registry, 'Trigger', 'a').metadata.resourceVersion
    await write('b.yaml', triggerText('b', 'http://other/'))
    await until(started, () => JSON.stringify(get(registry, 'Trigger', 'b').spec).includes('http://other/'))
    expect(get(registry, 'Trigger', 'a').metadata.resourceVersion).toBe(before)
  })

  test('that is invalid is said once and changes nothing; mending it clears the problems', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('a')}`)
    const started = await start()
    await write('all.yaml', `${BROKER}---\n${triggerText('a').replace('broker:', 'brokr:')}`)
    await until(started, () => started.problems().length > 0)
    expect(started.problems()).toEqual([
      `${folder}/all.yaml:8:1: spec.broker: is required (Trigger default/a)`,
      `${folder}/all.yaml:8:8: spec.brokr: is not a known field: did you mean "broker"? (Trigger default/a)`,
    ])
    expect([triggers(), telemetry.read('manifests_problems')]).toEqual([['default/a'], 2])
    await write('all.yaml', `${BROKER}---\n${triggerText('a', 'http://mended/')}`)
    await until(started, () => started.problems().length === 0)
    expect(get(registry, 'Trigger', 'a').spec).toMatchObject({ subscriber: { uri: 'http://mended/' } })
    expect(logged('manifests invalid')).toHaveLength(1)
  })

  test('that the API refuses is a problem with its place, too', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('a')}`)
    const started = await start()
    await write('all.yaml', `${BROKER}---\n${triggerText('a').replace('broker: default', 'broker: other')}`)
    await until(started, () => started.problems().length > 0)
    expect(started.problems()).toEqual([expect.stringContaining(`${folder}/all.yaml:8:1: spec: `)])
  })

  test('that removes a file removes its objects; what kubectl made stays', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('a')}`)
    await write('b.yaml', triggerText('b'))
    const started = await start()
    const { metadata: _, ...rest } = get(registry, 'Trigger', 'a')
    const mine = { ...rest, metadata: { name: 'mine' } }
    await registry.create(served('Trigger'), 'default', mine, { fieldManager: 'kubectl' })
    await rm(join(folder, 'b.yaml'))
    await until(started, () => !triggers().includes('default/b'))
    expect(triggers()).toEqual(['default/a', 'default/mine'])
  })

  test('by an editor that empties the file before it writes it again deletes nothing', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('t')}`)
    const watched = lookedAtClock()
    const started = await start(watched.clock)
    const { uid } = get(registry, 'Trigger', 't').metadata
    await write('all.yaml', '')
    await watched.looks(3)
    watched.elapse(200)
    await watched.looks(3)
    expect(triggers()).toEqual(['default/t'])
    await write('all.yaml', `${BROKER}---\n${triggerText('t')}---\n${triggerText('u')}`)
    await watched.looks(3)
    watched.elapse(60)
    await until(started, () => triggers().length === 2)
    expect(get(registry, 'Trigger', 't').metadata.uid).toBe(uid)
  })

  test('that removes everything counts once the folder stayed so', async () => {
    await write('all.yaml', BROKER)
    const watched = lookedAtClock()
    const started = await start(watched.clock)
    await write('all.yaml', '')
    await watched.looks(3)
    watched.elapse(300)
    await until(started, () => namesOf(registry, 'Broker').length === 0)
  })

  test('by way of a mounted ConfigMap, whose link is swung to a new folder, takes effect', async () => {
    await mkdir(join(folder, '..first'))
    await writeFile(join(folder, '..first/all.yaml'), BROKER)
    await symlink('..first', join(folder, '..data'))
    await symlink('..data/all.yaml', join(folder, 'all.yaml'))
    const started = await start()
    await mkdir(join(folder, '..second'))
    await writeFile(join(folder, '..second/all.yaml'), `${BROKER}---\n${triggerText('t')}`)
    await symlink('..second', join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
    await until(started, () => triggers().length === 1)
  })

  test('in a subfolder is found by polling', async () => {
    await mkdir(join(folder, 'team/a'), { recursive: true })
    await write('broker.yaml', BROKER)
    const started = await start()
    await write('team/a/t.yaml', triggerText('t'))
    await until(started, () => triggers().length === 1)
  })

  test('the whole folder taken away is a problem, and deletes nothing', async () => {
    await write('all.yaml', `${BROKER}---\n${triggerText('t')}`)
    const started = await start()
    await rename(folder, `${folder}-away`)
    await until(started, () => started.problems().length > 0)
    expect([started.problems(), triggers()]).toEqual([[`${folder}:1:1: (folder): does not exist`], ['default/t']])
    await rename(`${folder}-away`, folder)
    await until(started, () => started.problems().length === 0)
  })
})

test('a change that the API fails to store is logged, counted and tried again', async () => {
  await write('all.yaml', BROKER)
  let failures = 0
  let isFull = false
  const patch: Registry['patch'] = (...args) => {
    if (!isFull) return registry.patch(...args)
    if (++failures === 2) isFull = false
    return Promise.reject(new EventingError({ code: 'INTERNAL' }, 'disk full'))
  }
  const failing = new Proxy(registry, {
    get(target, name) {
      const value: unknown = name === 'patch' ? patch : Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const watched = lookedAtClock()
  const started = await start(watched.clock, failing)
  isFull = true
  await write('all.yaml', BROKER.replace('metadata: {', 'metadata: {labels: {a: b}, '))
  await watched.looks(3)
  watched.elapse(60)
  await until(started, () => JSON.stringify(get(registry, 'Broker', 'default').metadata).includes('"a":"b"'))
  expect(telemetry.read('manifests_failures_total')).toBe(2)
  expect(logged('manifests could not be applied')).toHaveLength(2)
})

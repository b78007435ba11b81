import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Clock } from '@sluice/clock'
import { isFailure } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { hasSameContent } from './hash.ts'
import { type Contract, contractCopy, createContractStore, type Delta, fileSource, hashOf, type Rows } from './index.ts'

const NONE: Rows = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }

function rows(names: readonly string[], lanes = 8): Rows {
  const logs = names.map((name) => ({
    uid: name,
    hash: '',
    kind: 'broker' as const,
    namespace: 'default',
    name,
    channel: `log/${name}`,
    queues: `queues/${name}`,
    lanes,
    orderKey: 'partitionkey',
    retention: { maxAgeMs: 1000, maxBytes: 1000 },
  }))
  return { ...NONE, logs }
}

/** Time that moves by `advance`; a timer is due at once it lies in the past. */
function manualClock(startMs: number): Clock & { advance(ms: number): void; timers(): number } {
  let now = startMs
  const timers = new Set<{ at: number; callback: () => void }>()
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    advance(ms) {
      now += ms
      for (const timer of [...timers])
        if (timer.at <= now) {
          timers.delete(timer)
          timer.callback()
        }
    },
    timers: () => timers.size,
  }
}

const logged: { message: string; fields: object }[] = []
const note = (fields: object, message: string) => void logged.push({ message, fields })
const telemetry: Telemetry = {
  log: { debug: note, info: note, warn: note, error: note },
  counter: () => ({ add: () => {}, bind: () => ({ add: () => {} }) }),
  histogram: () => ({ record: () => {} }),
  gauge: () => ({ [Symbol.dispose]: () => {} }),
  startSpan: undefined,
}

/** Everything that runs without time passing has run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const names = (delta: Delta | undefined) => delta?.put.logs.map((row) => row.name)

let folder = ''
beforeEach(async () => {
  logged.length = 0
  folder = await mkdtemp(join(tmpdir(), 'sluice-contract-'))
})
afterEach(() => rm(folder, { recursive: true }))

const inMemory = (startMs = 0) => {
  const clock = manualClock(startMs)
  return createContractStore({ clock, telemetry }).then((store) => ({ store, clock }))
}

describe('hashOf', () => {
  test('is the same for any order of keys, ignores hash and absent fields, and sees every change', () => {
    const hash = hashOf({ uid: 'a', filter: { x: '1', y: ['2'] }, delivery: undefined })
    expect(hashOf({ filter: { y: ['2'], x: '1' }, hash: 'old', uid: 'a' })).toBe(hash)
    expect(hash).toMatch(/^[\w-]{22}$/)
    for (const other of [
      { uid: 'b', filter: { x: '1', y: ['2'] } },
      { uid: 'a', filter: { x: 1, y: ['2'] } },
      { uid: 'a', filter: { x: '1', y: [] } },
    ])
      expect(hashOf(other)).not.toBe(hash)
  })

  test('agrees with the cheaper comparison that publish uses', () => {
    const row = { uid: 'a', list: [1, { x: 'y' }], absent: undefined }
    expect(hasSameContent(row, { list: [1, { x: 'y' }], uid: 'a', hash: 'h' })).toBe(true)
    for (const other of [
      { uid: 'a', list: [1, { x: 'z' }] },
      { uid: 'a', list: [1] },
      { uid: 'a', list: { 0: 1, 1: { x: 'y' } } },
      { uid: 'a' },
    ]) {
      expect(hasSameContent(row, other)).toBe(false)
      expect(hashOf(row)).not.toBe(hashOf(other))
    }
  })
})

describe('publish', () => {
  test('raises the revision by one, and only when a row came, went or changed', async () => {
    const { store } = await inMemory()
    expect(await store.publish(NONE)).toBe(0)
    expect(await store.publish(rows(['a']))).toBe(1)
    expect(await store.publish(rows(['a']))).toBe(1)
    expect(await store.publish(rows(['a'], 4))).toBe(2)
    expect(await store.publish(NONE)).toBe(3)
  })

  test('saves the copy before a watcher hears of the revision', async () => {
    const order: string[] = []
    const copy = {
      load: async () => ({}),
      save: async (contract: Contract) => {
        await settle()
        order.push(`saved ${contract.revision}`)
      },
    }
    const store = await createContractStore({ clock: manualClock(0), telemetry, copy })
    store.watch('role', (delta) => void order.push(`applied ${delta.revision}`))
    await settle()
    await store.publish(rows(['a']))
    await settle()
    expect(order).toEqual(['applied 0', 'saved 1', 'applied 1'])
  })

  test('changes nothing when the copy cannot be saved, and works again once it can', async () => {
    let full = true
    const copy = {
      load: async () => ({}),
      save: () => (full ? Promise.reject(new Error('ENOSPC')) : Promise.resolve()),
    }
    const store = await createContractStore({ clock: manualClock(0), telemetry, copy })
    await expect(store.publish(rows(['a']))).rejects.toThrow('ENOSPC')
    expect(store.contract().logs).toEqual([])
    full = false
    expect(await store.publish(rows(['a']))).toBe(1)
  })

  test('calls that overlap take effect in their order', async () => {
    const { store } = await inMemory()
    const revisions = await Promise.all([store.publish(rows(['a'])), store.publish(rows(['b'])), store.publish(NONE)])
    expect(revisions).toEqual([1, 2, 3])
    expect(store.contract().logs).toEqual([])
  })
})

describe('watch', () => {
  test('hands over everything first, then one delta per change with whole rows in and uids out', async () => {
    const { store } = await inMemory()
    await store.publish(rows(['a', 'b']))
    const deltas: Delta[] = []
    store.watch('role', (delta) => void deltas.push(delta))
    expect(deltas).toEqual([])
    await settle()
    await store.publish(rows(['b', 'c']))
    await settle()
    expect(deltas.map((delta) => [delta.revision, names(delta), delta.removed.logs])).toEqual([
      [1, ['a', 'b'], []],
      [2, ['c'], ['a']],
    ])
    expect(deltas[1]?.put.logs[0]).toEqual({ ...rows(['c']).logs[0], hash: hashOf(rows(['c']).logs[0] ?? {}) })
  })

  test('never calls a watcher twice at once; a slow one gets what it missed as one delta', async () => {
    const { store } = await inMemory()
    const deltas: Delta[] = []
    let finish = () => {}
    store.watch('slow', (delta) => {
      deltas.push(delta)
      return new Promise<void>((resolve) => (finish = resolve))
    })
    await settle()
    for (const step of [['a'], ['a', 'b'], ['b', 'c']]) await store.publish(rows(step))
    await settle()
    expect(deltas).toHaveLength(1)
    finish()
    await settle()
    expect(deltas.map((delta) => [delta.revision, names(delta), delta.removed.logs])).toEqual([
      [0, [], []],
      [3, ['b', 'c'], []],
    ])
  })

  test('a rejected delta is logged, not acknowledged, and comes again after a back-off with what came since', async () => {
    const { store, clock } = await inMemory()
    await store.publish(rows(['a', 'b']))
    const deltas: Delta[] = []
    store.watch('role', (delta) => {
      deltas.push(delta)
      if (deltas.length < 3) throw new Error('disk full')
    })
    await settle()
    await store.publish(rows(['b']))
    await settle()
    expect(deltas).toHaveLength(1)
    expect(store.acknowledged(1)).toBe(false)
    clock.advance(100)
    await settle()
    // the first attempt may have got as far as row a, so it is named as removed
    expect(deltas.map((delta) => [delta.revision, names(delta), delta.removed.logs])).toEqual([
      [1, ['a', 'b'], []],
      [2, ['b'], ['a']],
    ])
    clock.advance(199)
    await settle()
    expect(deltas).toHaveLength(2)
    clock.advance(1)
    await settle()
    expect(deltas).toHaveLength(3)
    expect(store.acknowledged(2)).toBe(true)
    expect(logged.filter(({ message }) => message.startsWith('contract delta not applied'))).toHaveLength(2)
  })

  test('a failing watcher does not hold up another', async () => {
    const { store } = await inMemory()
    const seen: number[] = []
    store.watch('broken', () => Promise.reject(new Error('no')))
    store.watch('well', (delta) => void seen.push(delta.revision))
    await settle()
    await store.publish(rows(['a']))
    await settle()
    expect(seen).toEqual([0, 1])
  })

  test('after it is disposed a watcher hears nothing more and leaves no timer behind', async () => {
    const { store, clock } = await inMemory()
    const seen: number[] = []
    const well = store.watch('well', (delta) => void seen.push(delta.revision))
    const broken = store.watch('broken', () => Promise.reject(new Error('no')))
    await settle()
    expect(clock.timers()).toBe(1)
    well[Symbol.dispose]()
    broken[Symbol.dispose]()
    await store.publish(rows(['a']))
    await settle()
    expect(seen).toEqual([0])
    expect(clock.timers()).toBe(0)
  })
})

describe('acknowledgement', () => {
  test('needs at least one replica, and every one', async () => {
    const { store } = await inMemory()
    await store.publish(rows(['a']))
    expect(store.acknowledged(1)).toBe(false)
    store.watch('first', () => {})
    await settle()
    expect(store.acknowledged(1)).toBe(true)
    let finish = () => {}
    store.watch('second', () => new Promise<void>((resolve) => (finish = resolve)))
    await settle()
    expect(store.acknowledged(1)).toBe(false)
    expect([...store.acknowledgements()]).toEqual([
      ['first', 1],
      ['second', undefined],
    ])
    finish()
    await settle()
    expect([...store.acknowledgements().values()]).toEqual([1, 1])
  })

  test('can be waited for: true once given, false when the wait is called off', async () => {
    const { store } = await inMemory()
    const calledOff = new AbortController()
    const never = store.whenAcknowledged(2, calledOff.signal)
    const soon = store.whenAcknowledged(1)
    store.watch('role', () => {})
    await store.publish(rows(['a']))
    expect(await soon).toBe(true)
    calledOff.abort()
    expect(await never).toBe(false)
    expect(await store.whenAcknowledged(9, AbortSignal.abort())).toBe(false)
    expect(await store.whenAcknowledged(1)).toBe(true)
  })

  test('a wait ends when the last replica that lacked the revision goes away', async () => {
    const { store } = await inMemory()
    await store.publish(rows(['a']))
    store.watch('well', () => {})
    const stuck = store.watch('stuck', () => new Promise<void>(() => {}))
    await settle()
    const waiting = store.whenAcknowledged(1)
    stuck[Symbol.dispose]()
    expect(await waiting).toBe(true)
  })
})

describe('the copy on disk', () => {
  const open = (startMs: number) =>
    createContractStore({ clock: manualClock(startMs), telemetry, copy: contractCopy(join(folder, 'contract.json')) })

  test('brings rows, epoch and revision back after a restart, and the revision goes on from there', async () => {
    const first = await open(5_000)
    expect(await first.publish(rows(['a']))).toBe(5_001)
    const second = await open(1_000)
    expect(second.contract()).toEqual(first.contract())
    const deltas: Delta[] = []
    second.watch('role', (delta) => void deltas.push(delta))
    await settle()
    expect(names(deltas[0])).toEqual(['a'])
    expect(await second.publish(rows(['a']))).toBe(5_001)
    expect(await second.publish(rows(['b']))).toBe(5_002)
    expect(await readdir(folder)).toEqual(['contract.json', 'contract.json.changes'])
  })

  test.each([
    ['cut short', '{"epoch":1,"revision"', 'JSON'],
    ['not a contract', '{"epoch":-1,"logs":[]}', 'epoch: '],
    ['empty', '', 'JSON'],
  ])('that is %s is reported and set aside; epoch and revision rise all the same', async (_, text, problem) => {
    const before = await open(5_000)
    await before.publish(rows(['a']))
    await before.publish(rows(['b']))
    await writeFile(join(folder, 'contract.json'), text)
    const after = await open(60_000)
    expect(after.contract().logs).toEqual([])
    expect(after.contract().epoch).toBeGreaterThan(before.contract().epoch)
    expect(await after.publish(rows(['b']))).toBeGreaterThan(before.contract().revision)
    expect(await readFile(join(folder, 'contract.json.unreadable'), 'utf8')).toBe(text)
    expect(logged).toContainEqual({
      message: 'copy of the contract could not be read and was set aside',
      fields: { as: join(folder, 'contract.json.unreadable'), problem: expect.stringContaining(problem) },
    })
  })

  test('is made with its folder; a folder that cannot be used is DATA_DIR_UNUSABLE', async () => {
    const nested = contractCopy(join(folder, 'deep/er/contract.json'))
    await nested.save({ ...rows(['a']), epoch: 1, revision: 2 })
    expect((await nested.load()).value?.revision).toBe(2)
    await writeFile(join(folder, 'file'), '')
    const blocked = contractCopy(join(folder, 'file/contract.json'))
    const error = await blocked.save({ ...NONE, epoch: 1, revision: 2 }).catch((thrown: unknown) => thrown)
    expect(isFailure(error, 'DATA_DIR_UNUSABLE')).toBe(true)
  })
})

describe('fileSource', () => {
  const source = async (text: string) => {
    const path = join(folder, 'static.json')
    await writeFile(path, text)
    return fileSource({ path, clock: manualClock(0), telemetry })
  }

  test('hands the file over as one delta, with hashes', async () => {
    const deltas: Delta[] = []
    const contract = await source(JSON.stringify(rows(['a'])))
    contract.watch('role', (delta) => void deltas.push(delta))
    await settle()
    expect(deltas).toHaveLength(1)
    expect(deltas[0]).toMatchObject({ epoch: 1, revision: 1, put: { logs: [{ uid: 'a', lanes: 8 }] } })
    expect(deltas[0]?.put.logs[0]?.hash).toHaveLength(22)
  })

  test('refuses a file with every problem at once', async () => {
    const bad = { ...rows(['a', 'a']), ingresses: [{ uid: 'i', namespace: 'd', name: 'n', path: '/d/n', log: 'gone' }] }
    const error = await source(JSON.stringify(bad)).catch((thrown: unknown) => thrown)
    const path = join(folder, 'static.json')
    expect(isFailure(error, 'CONFIG_INVALID') && error.detail.problems).toEqual([
      `${path}: logs[1].uid: "a" is there twice`,
      `${path}: ingresses[0].log: no log with the uid "gone"`,
    ])
  })

  test.each([
    ['{', 'JSON'],
    ['{"logs":[],"ingresses":[],"routes":[]}', 'deliveries: '],
    ['{"logs":[],"ingresses":[],"routes":[],"deliveries":[],"extra":1}', 'extra'],
  ])('refuses %s', async (text, problem) => {
    const error = await source(text).catch((thrown: unknown) => thrown)
    expect(isFailure(error, 'CONFIG_INVALID') && error.detail.problems.join()).toContain(problem)
  })
})

describe('change', () => {
  const [a, b] = rows(['a', 'b']).logs
  if (a === undefined || b === undefined) throw new Error('rows')

  test('is the publication of the document after the edit, and equal rows and unknown uids change nothing', async () => {
    const { store } = await inMemory()
    expect(await store.change({ put: { logs: [a, b] }, removed: {} })).toBe(1)
    expect(await store.change({ put: { logs: [a] }, removed: { logs: ['c'], routes: ['r'] } })).toBe(1)
    expect(await store.change({ put: { logs: [{ ...b, lanes: 4 }] }, removed: { logs: ['a', 'b'] } })).toBe(2)
    expect(store.contract().logs).toEqual([{ ...b, lanes: 4, hash: hashOf({ ...b, lanes: 4 }) }])
    expect(await store.publish({ ...NONE, logs: [{ ...b, lanes: 4 }] })).toBe(2)
  })

  test('a document taken before stays as it was', async () => {
    const { store } = await inMemory()
    await store.change({ put: { logs: [a] }, removed: {} })
    const before = store.contract()
    await store.change({ put: { logs: [b] }, removed: { logs: ['a'] } })
    expect(before.logs.map(({ uid }) => uid)).toEqual(['a'])
    expect(store.contract().logs.map(({ uid }) => uid)).toEqual(['b'])
    expect(store.contract()).toBe(store.contract())
  })

  test('edits that come while one is being saved are saved together, and all fail where the disk is full', async () => {
    const saved: number[] = []
    let isFull = false
    const copy = {
      load: async () => ({}),
      save: async ({ revision }: Contract) => {
        await settle()
        if (isFull) throw new Error('ENOSPC')
        saved.push(revision)
      },
    }
    const store = await createContractStore({ clock: manualClock(0), telemetry, copy })
    const first = store.change({ put: { logs: [a] }, removed: {} })
    await null
    const later = [
      store.change({ put: { logs: [b] }, removed: {} }),
      store.change({ put: {}, removed: { logs: ['a'] } }),
    ]
    expect([await first, ...(await Promise.all(later))]).toEqual([1, 2, 2])
    expect(saved).toEqual([1, 2])
    expect(names({ put: store.contract() } as unknown as Delta)).toEqual(['b'])
    isFull = true
    const failed = await Promise.allSettled([
      store.change({ put: { logs: [a] }, removed: {} }),
      store.change({ put: {}, removed: { logs: ['b'] } }),
    ])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(names({ put: store.contract() } as unknown as Delta)).toEqual(['b'])
  })

  test('a watcher gets the changed row alone, and is named while it lacks it', async () => {
    const { store } = await inMemory()
    await store.change({ put: { logs: [a, b] }, removed: {} })
    const deltas: Delta[] = []
    let finish: (() => undefined) | undefined
    store.watch('filter', (delta) => {
      deltas.push(delta)
      return new Promise<void>((resolve) => (finish = () => void resolve() as undefined))
    })
    await settle()
    expect(store.lacking(1)).toEqual([{ role: 'filter' }])
    finish?.()
    await settle()
    expect(store.lacking(1)).toEqual([])
    expect(await store.change({ put: { logs: [{ ...b, lanes: 4 }] }, removed: {} })).toBe(2)
    expect(store.lacking(2)).toEqual([{ role: 'filter' }])
    await settle()
    finish?.()
    await settle()
    expect(store.lacking(2)).toEqual([])
    expect(deltas.map((delta) => [delta.revision, names(delta)])).toEqual([
      [1, ['a', 'b']],
      [2, ['b']],
    ])
  })
})

test('a store whose newest changes are damaged counts on from the clock with the rows it could read, after each restart', async () => {
  const path = join(folder, 'contract.json')
  const open = async (startMs: number) =>
    createContractStore({ clock: manualClock(startMs), telemetry, copy: contractCopy(path) })
  const first = await open(5_000)
  for (const names of [['a'], ['a', 'b'], ['c']]) await first.publish(rows(names))
  const text = await readFile(`${path}.changes`, 'utf8')
  await writeFile(`${path}.changes`, text.replace('log/b', 'log/x'))
  const second = await open(9_000)
  expect(logged.at(-1)?.message).toBe('copy of the contract could not be read and was set aside')
  expect(second.contract()).toMatchObject({ epoch: 9_001, revision: 9_000, logs: [{ uid: 'a' }] })
  const third = await open(8_000)
  expect(third.contract()).toEqual(second.contract())
  expect(await third.publish(rows(['d']))).toBe(9_001)
})

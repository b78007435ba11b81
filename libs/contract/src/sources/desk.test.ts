import { describe, expect, test } from '@jest/globals'
import { type DeskMode, DeskWorld, type TestReplica } from '../../test/desk-world.ts'
import { github, ping } from '../../test/source-rows.ts'
import type { FollowedSource } from './source-desk.ts'

const DAY_MS = 86_400_000
const uids = (held: ReadonlyMap<string, unknown>) => [...held.keys()].toSorted()

const MODES: readonly DeskMode[] = ['in one process', 'apart']

function follow({ desk }: TestReplica): ReadonlyMap<string, FollowedSource> {
  const followed = new Map<string, FollowedSource>()
  desk.follow(async (source) => {
    followed.set(source.row.uid, source)
    return { async [Symbol.asyncDispose]() {} }
  })
  return followed
}

describe.each(MODES)('a desk %s: rows and who holds them', (mode) => {
  test('one replica holds all; a second one gets half of them, each stopped here before it starts there', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    await world.put(ping('1'), ping('2'), ping('3'), ping('4'))
    expect(uids(a.held)).toEqual(['1', '2', '3', '4'])
    const gate = Promise.withResolvers<void>()
    a.stopping.gate = () => gate.promise
    const b = await world.replica()
    await world.settle()
    expect([uids(a.held).length, uids(b.held).length]).toEqual([4, 0])
    gate.resolve()
    await world.settle()
    expect([uids(a.held).length, uids(b.held).length]).toEqual([2, 2])
    expect([...uids(a.held), ...uids(b.held)].toSorted()).toEqual(['1', '2', '3', '4'])
    for (const [uid, { term }] of b.held) expect(a.log).toContain(`-${uid} ${term - 1}`)
  })

  test('each replica knows its place among them, and reads what the holder has put', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    const followed = follow(a)
    await world.put(ping('1'))
    await world.settle()
    expect(followed.get('1')?.place()).toEqual({ rank: 0, of: 1 })
    expect(await followed.get('1')?.read('at')).toBeUndefined()
    const b = await world.replica()
    const others = follow(b)
    await world.settle()
    expect([followed, others].map((each) => each.get('1')?.place())).toEqual([
      { rank: 0, of: 2 },
      { rank: 1, of: 2 },
    ])
    await a.held.get('1')?.state.put({ at: '17' })
    expect(await others.get('1')?.read('at')).toBe('17')
    await a.stop()
    await world.settle()
    expect(others.get('1')?.place()).toEqual({ rank: 0, of: 1 })
  })

  test('one that does not let go within a lease is not waited for, and what it writes then is refused', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    await world.put(ping('1'), ping('2'))
    const [before] = [...a.held.values()]
    a.stopping.gate = () => new Promise(() => {})
    const b = await world.replica()
    await world.clock.advance(9_999)
    expect(b.held.size).toBe(0)
    await world.clock.advance(1)
    const [uid = '', { term = 0 } = {}] = [...b.held][0] ?? []
    expect(term).toBeGreaterThan(a.held.get(uid)?.term ?? 0)
    await expect(a.held.get(uid)?.state.put({ at: '1' })).rejects.toMatchObject({ detail: { code: 'SOURCE_NOT_HELD' } })
    await expect(a.held.get(uid)?.state.get('at')).rejects.toMatchObject({ detail: { code: 'SOURCE_NOT_HELD' } })
    await expect(a.held.get(uid)?.report({ conditions: {} })).rejects.toMatchObject({
      detail: { code: 'SOURCE_NOT_HELD' },
    })
    expect(before).toBeDefined()
  })

  test('one that stops gives all back, and what it kept is there for the next', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    await world.put(ping('1'))
    await a.held.get('1')?.state.put({ at: '17', gone: 'x' })
    await a.held.get('1')?.state.put({ gone: undefined })
    const b = await world.replica()
    await world.settle()
    expect(b.held.size).toBe(0)
    await a.holding[Symbol.asyncDispose]()
    await world.settle()
    expect(uids(b.held)).toEqual(['1'])
    expect(await b.held.get('1')?.state.list('', 10)).toEqual([['at', '17']])
  })

  test('rows that go leave nobody with two more than another', async () => {
    const world = await new DeskWorld(mode).begin()
    const [a, b] = [await world.replica(), await world.replica()]
    await world.put(ping('1'), ping('2'), ping('3'), ping('4'))
    await world.remove(...uids(b.held))
    expect([a.held.size, b.held.size]).toEqual([1, 1])
  })

  test('a row that changes starts anew where it is, under the same term; one that goes is stopped', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    await world.put(ping('1'))
    const { term, signal } = a.held.get('1') ?? {}
    await world.put(ping('1', { schedule: '0 * * * *' }))
    expect(a.held.get('1')).toMatchObject({ term, row: { schedule: '0 * * * *' } })
    expect(signal?.aborted).toBe(true)
    await world.remove('1')
    expect(a.held.size).toBe(0)
    expect(a.log).toEqual([`+1 ${term}`, `-1 ${term}`, `+1 ${term}`, `-1 ${term}`])
  })

  test('a start that fails is tried again; it holds up no other row', async () => {
    const world = await new DeskWorld(mode).begin()
    const { desk } = await world.replica()
    let tries = 0
    await using _ = desk.follow(async ({ row }) => {
      if (row.uid === '1' && ++tries < 3) throw new Error('not yet')
      return { async [Symbol.asyncDispose]() {} }
    })
    await world.put(ping('1'), ping('2'))
    await world.clock.advance(1_500)
    expect(tries).toBe(3)
  })
})

describe.each(MODES)('a desk %s: what a source keeps', (mode) => {
  test('is listed by prefix, in order and in pages, whatever the characters', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    await world.put(ping('1'))
    const { state } = a.held.get('1') as { state: NonNullable<ReturnType<typeof a.held.get>>['state'] }
    await state.put({ 'a/1': '1', 'a/3': '3', 'a/2': '2', 'b/1': '4', 'a/é😀': '5', a: '0' })
    expect((await state.list('a/', 2)).map(([key]) => key)).toEqual(['a/1', 'a/2'])
    expect((await state.list('a/', 10, 'a/2')).map(([key]) => key)).toEqual(['a/3', 'a/é😀'])
    expect(await state.list('c', 10)).toEqual([])
    expect(await state.get('nothing')).toBeUndefined()
  })

  test('is bounded: a value, a put and all of it, by name; what makes room is taken', async () => {
    const world = await new DeskWorld(mode, { limits: { sourceBytes: 200_000 } }).begin()
    const a = await world.replica()
    await world.put(ping('1'))
    const { state } = a.held.get('1') as { state: NonNullable<ReturnType<typeof a.held.get>>['state'] }
    const kib64 = 'x'.repeat(65_536)
    await expect(state.put({ k: `${kib64}x` })).rejects.toThrow('larger than 65536 bytes')
    await expect(state.put({ '': 'x' })).rejects.toThrow('a key is empty')
    await state.put({ a: kib64, b: kib64, c: kib64 })
    await expect(state.put({ d: kib64 })).rejects.toMatchObject({
      detail: { code: 'SOURCE_STATE_TOO_LARGE', source: 'shop/1', maxBytes: 200_000 },
    })
    await state.put({ a: undefined, d: 'small' })
    expect((await state.list('', 10)).map(([key]) => key)).toEqual(['b', 'c', 'd'])
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, kib64]))
    await expect(state.put(many)).rejects.toThrow('1048576 bytes together')
  })
})

test('what a source keeps stays for a day after the row went, for when it comes back, and is forgotten then', async () => {
  const world = await new DeskWorld('in one process').begin()
  const a = await world.replica()
  await world.put(ping('1'))
  await a.held.get('1')?.state.put({ at: '17' })
  const term = a.held.get('1')?.term ?? 0
  await world.remove('1')
  await world.clock.advance(DAY_MS - 1)
  await world.put(ping('1'))
  expect(await a.held.get('1')?.state.get('at')).toBe('17')
  expect(a.held.get('1')?.term).toBeGreaterThan(term)
  await world.remove('1')
  await world.clock.advance(DAY_MS + 3_600_000)
  await world.put(ping('1'))
  expect(await a.held.get('1')?.state.get('at')).toBeUndefined()
})

describe.each(MODES)('a desk %s: what is remembered', (mode) => {
  test('is what was said first, by whichever replica, until it expires', async () => {
    const world = await new DeskWorld(mode).begin()
    const answers: string[] = []
    for (const { desk } of [await world.replica(), await world.replica()])
      desk.follow(async (source) => {
        answers.push(await source.remember('delivery', `said by ${answers.length}`, 60_000))
        return { async [Symbol.asyncDispose]() {} }
      })
    await world.put(ping('1'))
    expect(answers).toEqual(['said by 0', 'said by 0'])
    await world.clock.advance(60_000)
    await world.put(ping('1', { schedule: '0 * * * *' }))
    expect(answers[2]).toBe('said by 2')
  })

  test('is bounded: what would expire first goes, and that is counted', async () => {
    const world = await new DeskWorld(mode, { limits: { remembered: 2 } }).begin()
    const a = await world.replica()
    await world.put(ping('1'))
    const remember = (key: string, value: string, ttlMs: number) => a.held.get('1')?.remember(key, value, ttlMs)
    await remember('long', '1', 9_000)
    await remember('short', '1', 5_000)
    await remember('new', '1', 7_000)
    expect(world.telemetry.read('source_remembered_evicted_total')).toBe(1)
    expect(await remember('long', '2', 9_000)).toBe('1')
    await expect(remember('k', 'x'.repeat(5_000), 1_000)).rejects.toThrow('larger than 4096 bytes')
    await expect(remember('k', 'x', 8 * DAY_MS)).rejects.toThrow('ttlMs')
  })
})

describe.each(MODES)('a desk %s: secrets', (mode) => {
  const reference = { namespace: 'shop', name: 'github', key: 'token' }
  const row = github('1', reference)

  test('are given by the name the row has for them, and a change starts the row anew', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica('source-github')
    await world.put(row)
    const missing = { code: 'SOURCE_SECRET_MISSING', source: 'shop/1', secret: 'shop/github/token' }
    await expect(a.held.get('1')?.secret('secretToken')).rejects.toMatchObject({ detail: missing })
    world.secrets.set(reference, 's3cret')
    await world.settle()
    expect(await a.held.get('1')?.secret('secretToken')).toBe('s3cret')
    expect(a.log).toHaveLength(3)
    world.secrets.set({ ...reference, name: 'other' }, 'x')
    await world.settle()
    expect(a.log).toHaveLength(3)
    await expect(a.held.get('1')?.secret('another')).rejects.toThrow('names no Secret as another')
    expect(JSON.stringify(world.telemetry.lines)).not.toContain('s3cret')
  })
})

describe.each(MODES)('a desk %s: where a row stands', (mode) => {
  test('says who is missing, who has it, who holds it, and what that one says', async () => {
    const world = await new DeskWorld(mode).begin()
    const told: string[] = []
    world.office.changed((uid) => told.push(uid))
    await world.put(ping('1'))
    expect(world.office.standing('1')).toMatchObject({
      ...{ role: 'source-cron', replicas: 0, isMissing: true, isAcknowledged: false, holder: undefined },
    })
    const a = await world.replica()
    await world.settle()
    expect(world.office.standing('1')).toMatchObject({
      ...{ replicas: 1, isMissing: false, isAcknowledged: true, holder: 'r1', report: undefined },
    })
    told.length = 0
    const report = { conditions: { Deployed: { status: 'True' } }, facts: { next: 'soon' } } as const
    await a.held.get('1')?.report(report)
    expect(world.office.standing('1')).toMatchObject({ report, reportedHash: world.store.contract().sources[0]?.hash })
    expect(told).toEqual(['1'])
    await a.stop()
    expect(world.office.standing('1')).toMatchObject({ isMissing: true, holder: undefined, report })
    expect(world.office.standing('2')).toBeUndefined()
  })

  test('a report beyond its bounds is refused', async () => {
    const world = await new DeskWorld(mode).begin()
    const a = await world.replica()
    await world.put(ping('1'))
    const message = 'x'.repeat(2_000)
    await expect(a.held.get('1')?.report({ conditions: { C: { status: 'True', message } } })).rejects.toMatchObject({
      detail: { code: 'CONTRACT_REQUEST_INVALID' },
    })
  })
})

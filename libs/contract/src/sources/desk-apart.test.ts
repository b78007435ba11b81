import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { DeskWorld } from '../../test/desk-world.ts'
import { github, ping } from '../../test/source-rows.ts'

const LEASE_MS = 10_000
const REPORT = { conditions: { Deployed: { status: 'True' } } } as const
const uids = (held: ReadonlyMap<string, unknown>) => [...held.keys()].toSorted()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-desk-apart-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
const open = () => new DeskWorld('apart', { path: join(folder, `${files++}.db`) }).begin()

test('a restart of the server moves nothing, stops nothing, and forgets neither state nor report', async () => {
  const world = await open()
  const [a, b] = [await world.replica(), await world.replica()]
  await world.put(ping('1'), ping('2'))
  await a.held.values().next().value?.state.put({ at: '17' })
  await a.held.values().next().value?.report(REPORT)
  const before = [[...a.log], [...b.log]]
  const [uid = ''] = uids(a.held)
  await world.down()
  await world.clock.advance(60_000)
  expect(uids(a.held)).toHaveLength(1)
  await expect(a.held.get(uid)?.state.get('at')).rejects.toMatchObject({ detail: { code: 'CONTRACT_UNREACHABLE' } })
  await world.open()
  expect(world.office.standing(uid)).toMatchObject({ report: REPORT, isMissing: false, holder: undefined })
  await world.clock.advance(2 * LEASE_MS)
  expect([a.log, b.log]).toEqual(before)
  expect(await a.held.get(uid)?.state.get('at')).toBe('17')
  expect(world.office.standing(uid)).toMatchObject({ holder: 'r1', isAcknowledged: true })
})

test('a replica that dies loses its rows with its lease, and no later', async () => {
  const world = await open()
  const [a, b] = [await world.replica(), await world.replica()]
  await world.put(ping('1'), ping('2'))
  await a.kill()
  await world.clock.advance(LEASE_MS - 1)
  expect(uids(b.held)).toHaveLength(1)
  await world.clock.advance(1)
  expect(uids(b.held)).toEqual(['1', '2'])
  expect(world.telemetry.read('source_hand_overs_total', { reason: 'expired' })).toBe(1)
})

test('one that is cut off goes on; once back it lets go of what another got meanwhile, and could write nothing down', async () => {
  const world = await open()
  const a = await world.replica()
  await world.put(ping('1'))
  const b = await world.replica()
  a.link.isUp = false
  await world.clock.advance(LEASE_MS)
  expect([uids(a.held), uids(b.held)]).toEqual([['1'], ['1']])
  const stale = a.held.get('1')
  await b.held.get('1')?.state.put({ by: 'b' })
  a.link.isUp = true
  await world.clock.advance(2 * LEASE_MS)
  expect([uids(a.held), uids(b.held)]).toEqual([[], ['1']])
  await expect(stale?.state.put({ by: 'a' })).rejects.toMatchObject({ detail: { code: 'SOURCE_NOT_HELD' } })
  expect(await b.held.get('1')?.state.get('by')).toBe('b')
})

test('after a server was away, who died meanwhile has its rows taken over within a lease of its return', async () => {
  const world = await open()
  const [a, b] = [await world.replica(), await world.replica()]
  await world.put(ping('1'), ping('2'))
  await world.down()
  await a.kill()
  await world.clock.advance(30_000)
  await world.open()
  await world.clock.advance(3_000 + LEASE_MS)
  expect(uids(b.held)).toEqual(['1', '2'])
  expect(world.telemetry.read('source_hand_overs_total', { reason: 'unclaimed' })).toBe(1)
})

test('a Secret that changed while nobody was connected starts the row anew; one that did not, does not', async () => {
  const reference = { namespace: 'shop', name: 'github', key: 'token' }
  const other = { namespace: 'shop', name: 'other', key: 'token' }
  const world = await open()
  world.secrets.set(reference, 'old')
  world.secrets.set(other, 'same')
  const a = await world.replica('source-github')
  await world.put(github('1', reference), github('2', other))
  expect(a.log).toHaveLength(2)
  await world.down()
  world.secrets.set(reference, 'new')
  await world.open()
  await world.clock.advance(2 * LEASE_MS)
  expect(a.log.slice(2).map((line) => line.split(' ')[0])).toEqual(['-1', '+1'])
  expect(await a.held.get('1')?.secret('secretToken')).toBe('new')
})

test('a row is nobody’s but its service’s: another one gets neither its Secret nor its state', async () => {
  const world = await open()
  const cron = await world.replica()
  await world.replica('source-github')
  await world.put(ping('1'), github('2', { namespace: 'shop', name: 'github', key: 'token' }))
  const term = cron.held.get('1')?.term ?? 0
  const instance = 'r2-instance'
  const ask = (question: object) => world.office.ask(instance, { uid: '1', term, ...question } as never)
  await expect(ask({ op: 'get', key: 'at' })).rejects.toMatchObject({ detail: { code: 'SOURCE_NOT_HELD' } })
  await expect(world.office.ask('r1-instance', { op: 'secret', uid: '2', name: 'secretToken' })).rejects.toMatchObject({
    detail: { code: 'SOURCE_NOT_HELD' },
  })
})

test('a file of terms that was lost begins beyond all of them', async () => {
  const world = await open()
  const a = await world.replica()
  await world.put(ping('1'))
  const { term = 0 } = a.held.get('1') ?? {}
  await world.down()
  await a.kill()
  await rm(join(folder, `${files - 1}.db`))
  await world.clock.advance(1)
  await world.open()
  const b = await world.replica()
  await world.settle()
  expect(b.held.get('1')?.term).toBeGreaterThan(term)
})

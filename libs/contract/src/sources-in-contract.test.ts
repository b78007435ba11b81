import { describe, expect, test } from '@jest/globals'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { settle, VirtualClock } from '@sluice/testkit'
import { Apart, FakeRole, NONE, rows } from '../test/apart.ts'
import { NO_UIDS, ping } from '../test/source-rows.ts'
import { readHello, readMessage, writeHello, writeMessage } from './http/protocol.ts'
import { type Delta, NO_ROWS, NOTHING_KNOWN } from './index.ts'
import { readWrittenContract } from './schema.ts'
import { createContractStore } from './store.ts'

const HELLO = { replica: 'r', instance: 'i', epoch: 0, revision: 0, known: NOTHING_KNOWN }

describe('a source in the contract', () => {
  test('is for the services of its kind alone; nobody else is told of it, and nobody is kept from Ready by it', async () => {
    const store = await createContractStore({ clock: new VirtualClock(), telemetry: createTestTelemetry() })
    const [filter, cron, kafka] = [new FakeRole(), new FakeRole(), new FakeRole()]
    store.watch('filter', filter.apply)
    store.watch('source-cron', cron.apply)
    store.watch('source-kafka', kafka.apply)
    const routes = await store.publish(rows(['a']))
    await settle()
    cron.gate = () => new Promise(() => {})
    const revision = await store.change({ put: { sources: [ping('p')] }, removed: {} })
    await settle()
    expect(revision).toBe(routes + 1)
    expect(filter.revision).toBe(routes)
    expect(store.acknowledged(revision)).toBe(true)
    expect([filter, kafka].map(({ held }) => held.sources.size)).toEqual([0, 0])
    expect(store.contract()).toMatchObject({ revision, routingRevision: routes })
  })

  test('comes, changes and goes at its service, which gets no routes', async () => {
    const store = await createContractStore({ clock: new VirtualClock(), telemetry: createTestTelemetry() })
    const cron = new FakeRole()
    store.watch('source-cron', cron.apply)
    await store.publish({ ...rows(['a']), sources: [ping('p'), ping('q')] })
    await settle()
    await store.change({ put: { sources: [ping('p', { schedule: '0 * * * *' })] }, removed: { sources: ['q'] } })
    await settle()
    expect(cron.rows()).toMatchObject({ ...NONE, sources: [{ uid: 'p', schedule: '0 * * * *' }] })
  })

  test('apart: its change reaches its service, moves no revision of another, and outlives a restart of the server', async () => {
    const apart = new Apart()
    const { store, contract } = await apart.serve()
    await store.publish(rows(['a']))
    const [filter, cron] = [new FakeRole(), new FakeRole()]
    const followers = [await apart.follow(), await apart.follow({ roles: ['source-cron'], replica: 'c1' })]
    followers[0]?.watch('filter', filter.apply)
    followers[1]?.watch('source-cron', cron.apply)
    await apart.clock.advance(11_000)
    const before = filter.revision
    const revision = await store.change({ put: { sources: [ping('p')] }, removed: {} })
    await apart.clock.advance(1)
    expect([filter.revision, filter.held.sources.size]).toEqual([before, 0])
    expect([cron.revision, [...cron.held.sources.keys()], cron.held.logs.size]).toEqual([revision, ['p'], 0])
    expect([contract.acknowledged(revision), contract.lacking(revision)]).toEqual([true, []])
    apart.kill()
    const next = await apart.serve()
    await apart.clock.advance(11_000)
    expect(next.contract.acknowledged(revision)).toBe(true)
    expect(filter.revision).toBe(before)
    await Promise.all(followers.map((follower) => follower[Symbol.asyncDispose]()))
  })

  test('Ready of routes waits for no service of sources', async () => {
    const apart = new Apart()
    const { store, contract } = await apart.serve()
    const followers = [await apart.follow(), await apart.follow({ roles: ['source-cron'], replica: 'c1' })]
    const cron = new FakeRole()
    cron.gate = () => new Promise(() => {})
    followers[0]?.watch('filter', () => {})
    followers[1]?.watch('source-cron', cron.apply)
    await apart.clock.advance(11_000)
    const revision = await store.publish({ ...rows(['a']), sources: [ping('p')] })
    await apart.clock.advance(1)
    expect(contract.acknowledged(revision)).toBe(true)
    await Promise.all(followers.map((follower) => follower[Symbol.asyncDispose]()))
  })
})

describe('who knows of no sources', () => {
  const delta = (put: Partial<Delta['put']>): Delta => ({
    ...{ epoch: 1, revision: 2, put: { ...NO_ROWS, ...put }, removed: NO_UIDS },
  })

  test('is not told the word: neither in a message, nor in a hello, nor in a document', async () => {
    expect(writeMessage({ type: 'delta', ...delta({}) })).not.toContain('sources')
    expect(writeHello({ ...HELLO, roles: ['filter'] })).not.toContain('sources')
    expect(readMessage(JSON.parse(writeMessage({ type: 'delta', ...delta({}) })))).toEqual({
      type: 'delta',
      ...delta({}),
    })
  })

  test('gives what it has: an older document and an older hello are read', () => {
    const { sources: _, ...known } = { logs: {}, ingresses: {}, routes: {}, deliveries: {}, sources: {} }
    expect(readHello({ ...HELLO, roles: ['filter'], known }).known.sources.size).toBe(0)
    const { sources: __, ...old } = rows(['a'])
    const document = { epoch: 1, revision: 5, ...old }
    expect(readWrittenContract(document)).toMatchObject({ contract: { ...document, sources: [] } })
  })
})

test('a service of sources has one role: two copies of one contract would be needed for more', () => {
  expect(() => readHello({ ...HELLO, roles: ['source-cron', 'filter'], known: {} })).toThrow('that role alone')
})

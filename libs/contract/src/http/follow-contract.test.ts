import { describe, expect, test } from '@jest/globals'
import { settle } from '@sluice/testkit'
import { Apart, FakeRole, memoryCopy, NONE, rows } from '../../test/apart.ts'
import type { Append } from '../contract-copy.ts'
import { withDelta } from '../delta.ts'
import type { Contract } from '../rows.ts'

const names = (role: FakeRole) => role.rows().logs.map(({ name }) => name)

describe('a reader', () => {
  test('gets the document, then each change, and applies it only once it is on its disk', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    const copy = memoryCopy<Contract>()
    const follower = await apart.follow({ copy })
    const role = new FakeRole()
    const onDisk: (number | undefined)[] = []
    role.gate = async () => void onDisk.push(copy.held?.revision)
    follower.watch('filter', role.apply)
    expect(follower.ready()).toMatch(/^no contract yet: connecting/)
    const first = await store.publish(rows(['a', 'b']))
    await settle()
    expect([names(role), follower.ready()]).toEqual([['a', 'b'], undefined])
    await store.publish(rows(['b', 'c']))
    await settle()
    expect(names(role)).toEqual(['b', 'c'])
    expect(onDisk.slice(-2)).toEqual([first, first + 1])
    await follower[Symbol.asyncDispose]()
  })

  test('sends its hashes when it comes back, and gets the difference', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    await store.publish(rows(['a', 'b', 'c']))
    const follower = await apart.follow()
    const puts: number[] = []
    follower.watch('filter', ({ put }) => void puts.push(put.logs.length))
    await settle()
    apart.network.cut()
    await store.publish(rows(['b', 'c', 'd']))
    await apart.clock.advance(100)
    expect(puts).toEqual([3, 1])
    await follower[Symbol.asyncDispose]()
  })

  test('starts and runs from its copy while nobody answers; it is ready, and warns with the reason and for how long', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    const revision = await store.publish(rows(['a']))
    const copy = memoryCopy<Contract>()
    const before = await apart.follow({ copy })
    before.watch('filter', () => {})
    await settle()
    await before[Symbol.asyncDispose]()
    apart.kill()

    const after = await apart.follow({ copy })
    const role = new FakeRole()
    after.watch('filter', role.apply)
    await apart.clock.advance(20_000)
    expect([names(role), role.revision, after.ready()]).toEqual([['a'], revision, undefined])
    expect(after.warning()).toBe(`revision ${revision} stays in force: memory:: nobody is there (for 20 s)`)
    await apart.serve()
    await apart.clock.advance(3_000)
    expect(after.warning()).toBeUndefined()
    await after[Symbol.asyncDispose]()
  })

  test('without a copy and a server it waits, is not ready and says why; a role hears of no empty contract', async () => {
    const apart = new Apart()
    const follower = await apart.follow()
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    await apart.clock.advance(60_000)
    expect(role.revision).toBeUndefined()
    expect(follower.ready()).toBe('no contract yet: memory:: nobody is there (for 60 s)')
    expect(apart.telemetry.lines.filter(({ message }) => message.startsWith('contract not followed'))).toHaveLength(1)
    await follower[Symbol.asyncDispose]()
    expect(apart.clock.pending).toBe(0)
  })

  test('never goes back: an older server is refused by both, named in numbers, and the last contract stays', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    await store.publish(rows(['a']))
    const backup = apart.serverCopy.held
    const newest = await store.publish(rows(['a', 'b']))
    const follower = await apart.follow()
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    await settle()
    apart.kill()
    apart.serverCopy.held = backup
    const { service } = await apart.serve()
    await apart.clock.advance(5_000)
    expect([names(role), role.revision]).toEqual([['a', 'b'], newest])
    const numbers = `revision ${newest - 1}; f1 holds epoch ${store.contract().epoch}, revision ${newest}`
    expect(service.behind()).toContain(numbers)
    expect(follower.warning()).toContain(numbers)
    await follower[Symbol.asyncDispose]()
  })

  test('an older document is refused also where the server does not see that it is older', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    const newest = await store.publish(rows(['a']))
    const older = { epoch: store.contract().epoch, revision: newest - 1, put: rows(['z']) }
    const removed = { logs: ['a'], ingresses: ['a'], routes: ['a'], deliveries: ['a'], sources: [] }
    const { service } = await apart.serve()
    apart.network.server = {
      ...service,
      async *watch(hello, signal) {
        for await (const message of service.watch(hello, signal)) {
          yield message
          yield { type: 'delta', ...older, removed }
        }
      },
    }
    const follower = await apart.follow()
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    await apart.clock.advance(1_000)
    expect([names(role), role.revision]).toEqual([['a'], newest])
    expect(follower.warning()).toContain(`revision ${newest - 1}; this service holds`)
    await follower[Symbol.asyncDispose]()
  })

  test('a copy that can not be saved is not in force and not acknowledged; it is tried again and said', async () => {
    const apart = new Apart()
    const { store, service } = await apart.serve()
    const revision = await store.publish(rows(['a']))
    const copy = memoryCopy<Contract>()
    const follower = await apart.follow({ copy })
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    await settle()
    copy.isFull = true
    await store.publish(rows(['b']))
    await apart.clock.advance(5_000)
    expect([names(role), service.replicas()[0]?.acknowledged]).toEqual([['a'], revision])
    expect(follower.warning()).toBe(`revision ${revision} stays in force: no space left`)
    copy.isFull = false
    await apart.clock.advance(3_000)
    expect([names(role), service.replicas()[0]?.acknowledged]).toEqual([['b'], revision + 1])
    await follower[Symbol.asyncDispose]()
  })

  test('a server that falls silent is given up after 10 s', async () => {
    const apart = new Apart()
    const link = { isUp: true }
    const { store } = await apart.serve()
    await store.publish(rows(['a']))
    const follower = await apart.follow({ link })
    follower.watch('filter', () => {})
    await apart.clock.advance(30_000)
    expect(follower.warning()).toBeUndefined()
    link.isUp = false
    await apart.clock.advance(9_000)
    expect(follower.warning()).toBeUndefined()
    await apart.clock.advance(2_000)
    expect(follower.warning()).toContain('stays in force')
    await follower[Symbol.asyncDispose]()
  })

  test('rows that it does not know are refused whole and by name, and the last ones stay', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    await store.publish(rows(['a']))
    const follower = await apart.follow()
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    await settle()
    const [log] = rows(['b']).logs
    await store.publish({ ...NONE, logs: [{ ...log, shards: 3 } as never] })
    await apart.clock.advance(1_000)
    expect(names(role)).toEqual(['a'])
    expect(follower.warning()).toMatch(/put\.logs\[0\].*shards/)
    await follower[Symbol.asyncDispose]()
  })

  test('a copy that was edited by hand is brought back to what the server says', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    await store.publish(rows(['a']))
    const copy = memoryCopy<Contract>()
    const edited = JSON.parse(JSON.stringify(store.contract())) as { logs: { orderKey: string }[] }
    if (edited.logs[0]) edited.logs[0].orderKey = 'edited'
    copy.held = edited as unknown as Contract
    const follower = await apart.follow({ copy })
    const role = new FakeRole()
    follower.watch('filter', role.apply)
    await settle()
    expect(role.rows().logs[0]?.orderKey).toBe('partitionkey')
    await follower[Symbol.asyncDispose]()
  })
})

describe('an acknowledgement', () => {
  test('is given when every role of the process has the revision in force, not before', async () => {
    const apart = new Apart()
    const { store, service, contract } = await apart.serve({ expected: ['filter', 'dispatcher'] })
    const revision = await store.publish(rows(['a']))
    const follower = await apart.follow({ roles: ['filter', 'dispatcher'] })
    follower.watch('filter', () => {})
    await apart.clock.advance(10_000)
    expect(service.replicas()[0]?.acknowledged).toBeUndefined()
    const { promise, resolve } = Promise.withResolvers<void>()
    follower.watch('dispatcher', () => promise)
    await apart.clock.advance(10_000)
    expect(contract.acknowledged(revision)).toBe(false)
    resolve()
    await settle()
    expect(contract.acknowledged(revision)).toBe(true)
    await follower[Symbol.asyncDispose]()
  })

  test('a role that fails to apply keeps its replica back, and newer revisions reach it all the same', async () => {
    const apart = new Apart()
    const { store, contract } = await apart.serve()
    const follower = await apart.follow()
    const role = new FakeRole()
    follower.watch('filter', (delta) => {
      if (delta.put.logs.some(({ name }) => name === 'bad')) throw new Error('conflict')
      return role.apply(delta)
    })
    await apart.clock.advance(10_000)
    const bad = await store.publish(rows(['bad']))
    await apart.clock.advance(1_000)
    expect(contract.acknowledged(bad)).toBe(false)
    const good = await store.publish(rows(['good']))
    await apart.clock.advance(3_000)
    expect([contract.acknowledged(good), names(role)]).toEqual([true, ['good']])
    await follower[Symbol.asyncDispose]()
  })

  test('a copy that is written whole behind a change holds nothing that came later and went again', async () => {
    const apart = new Apart()
    const { store } = await apart.serve()
    await store.publish(rows(['a']))
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const copy = {
      ...memoryCopy<Contract>(),
      async append({ whole, delta }: Append) {
        if (this.held === undefined || gates.length === 0) {
          this.held = this.held === undefined ? whole() : withDelta(this.held, delta)
          return
        }
        await gates.shift()?.promise
        this.held = whole()
        await gates.shift()?.promise
      },
    }
    const [writing, ending] = [...gates]
    const follower = await apart.follow({ copy })
    await settle()
    const gone = { logs: ['x'], ingresses: ['x'], routes: ['x'], deliveries: ['x'] }
    await store.change({ put: rows(['b']), removed: {} })
    await settle()
    await store.change({ put: rows(['x']), removed: {} })
    await settle()
    writing?.resolve()
    await settle()
    await store.change({ put: {}, removed: gone })
    await settle()
    ending?.resolve()
    await settle()
    expect(copy.held?.revision).toBe(store.contract().revision)
    expect(copy.held?.logs.map(({ uid }) => uid)).toEqual(['a', 'b'])
    await follower[Symbol.asyncDispose]()
  })
})

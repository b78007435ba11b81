import { describe, expect, test } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import { settle } from '@sluice/testkit'
import { Apart, rows } from '../../test/apart.ts'

const LEASE_MS = 10_000

describe('Ready across processes', () => {
  test('needs a live replica of each role, and every live one', async () => {
    const apart = new Apart()
    const { store, contract } = await apart.serve({ expected: ['filter', 'dispatcher'] })
    const revision = await store.publish(rows(['a']))
    const filter = await apart.follow({ roles: ['filter'] })
    filter.watch('filter', () => {})
    await apart.clock.advance(LEASE_MS)
    expect(contract.acknowledged(revision)).toBe(false)
    const dispatchers = await Promise.all([1, 2].map((n) => apart.follow({ roles: ['dispatcher'], replica: `d${n}` })))
    dispatchers[0]?.watch('dispatcher', () => {})
    await settle()
    expect(contract.acknowledged(revision)).toBe(false)
    dispatchers[1]?.watch('dispatcher', () => {})
    await settle()
    expect(contract.acknowledged(revision)).toBe(true)
    expect(contract.acknowledged(revision + 1)).toBe(false)
  })

  test('a server that was restarted believes nobody before a lease term has passed: a replica may be on its way back', async () => {
    const apart = new Apart()
    const first = await apart.serve()
    await first.store.publish(rows(['a']))
    const slow = { isUp: true }
    const [well, lagging] = await Promise.all([apart.follow(), apart.follow({ replica: 'f2', link: slow })])
    well.watch('filter', () => {})
    lagging.watch('filter', () => {})
    await apart.clock.advance(LEASE_MS)
    slow.isUp = false
    apart.kill()
    const { store, contract, service } = await apart.serve()
    const revision = await store.publish(rows(['b']))
    await apart.clock.advance(5_000)
    expect(service.replicas().map(({ acknowledged }) => acknowledged)).toEqual([revision])
    expect(contract.acknowledged(revision)).toBe(false)
    slow.isUp = true
    await apart.clock.advance(LEASE_MS - 5_000)
    expect(service.replicas().map(({ acknowledged }) => acknowledged)).toEqual([revision, revision])
    expect(contract.acknowledged(revision)).toBe(true)
  })

  test('a replica that is not heard of holds Ready back for its lease and no longer; one that leaves, not at all', async () => {
    const apart = new Apart()
    const { store, contract, service } = await apart.serve()
    const link = { isUp: true }
    const [well, lost, leaving] = await Promise.all([
      apart.follow(),
      apart.follow({ replica: 'lost', link }),
      apart.follow({ replica: 'leaving' }),
    ])
    for (const follower of [well, lost, leaving]) follower.watch('filter', () => {})
    await apart.clock.advance(LEASE_MS)
    link.isUp = false
    await leaving[Symbol.asyncDispose]()
    const revision = await store.publish(rows(['a']))
    await apart.clock.advance(6_000)
    expect(service.replicas().map(({ replica }) => replica)).toEqual(['f1', 'lost'])
    expect(contract.acknowledged(revision)).toBe(false)
    await apart.clock.advance(4_000)
    expect(service.replicas().map(({ replica }) => replica)).toEqual(['f1'])
    expect(contract.acknowledged(revision)).toBe(true)
    expect(apart.telemetry.read('contract_leases_expired_total')).toBe(1)
  })

  test('can be waited for', async () => {
    const apart = new Apart()
    const { store, contract } = await apart.serve()
    const waiting = contract.whenAcknowledged(await store.publish(rows(['a'])))
    const follower = await apart.follow()
    follower.watch('filter', () => {})
    await apart.clock.advance(LEASE_MS)
    expect(await waiting).toBe(true)
  })
})

describe('the lease', () => {
  test('a revision that was never sent is not believed', async () => {
    const apart = new Apart()
    const { store, service } = await apart.serve()
    const revision = await store.publish(rows(['a']))
    const known = {
      logs: new Map(),
      ingresses: new Map(),
      routes: new Map(),
      deliveries: new Map(),
      sources: new Map(),
    }
    const hello = { roles: ['filter'], replica: 'f', instance: 'i', epoch: 0, revision: 0, known } as const
    const messages = service.watch(hello, new AbortController().signal)[Symbol.asyncIterator]()
    await messages.next()
    const { epoch } = store.contract()
    expect(() => service.acknowledge({ instance: 'i', epoch, revision: revision + 1 })).toThrow('was not sent yet')
    service.acknowledge({ instance: 'i', epoch, revision })
    service.acknowledge({ instance: 'i', epoch: epoch - 1, revision: revision - 1 })
    expect(service.replicas()[0]?.acknowledged).toBe(revision)
    expect(() => service.acknowledge({ instance: 'other', epoch })).toThrow('no such lease')
  })

  test('more replicas than the server takes are refused by name, and their turn comes', async () => {
    const apart = new Apart()
    await apart.serve({ maxReplicas: 1 })
    const first = await apart.follow()
    await settle()
    const second = await apart.follow({ replica: 'f2' })
    await settle()
    expect(second.ready()).toMatch(/1 replicas follow the contract already/)
    await first[Symbol.asyncDispose]()
    await apart.clock.advance(100)
    expect(second.ready()).toBeUndefined()
  })

  test('an instance that connects anew has one lease, and its former watch ends', async () => {
    const apart = new Apart()
    const { service } = await apart.serve()
    const known = {
      logs: new Map(),
      ingresses: new Map(),
      routes: new Map(),
      deliveries: new Map(),
      sources: new Map(),
    }
    const hello = { roles: ['filter'], replica: 'f', instance: 'i', epoch: 0, revision: 0, known } as const
    const signal = new AbortController().signal
    const former = service.watch(hello, signal)[Symbol.asyncIterator]()
    await former.next()
    const ended = former.next()
    service.watch(hello, signal)
    expect(await ended).toEqual({ done: true, value: undefined })
    expect(service.replicas()).toHaveLength(1)
  })

  test('a failure to renew is an error with a code', async () => {
    const apart = new Apart()
    const { service } = await apart.serve()
    let error: unknown
    try {
      service.acknowledge({ instance: 'nobody', epoch: 1 })
    } catch (thrown) {
      error = thrown
    }
    expect(isFailure(error, 'CONTRACT_LEASE_UNKNOWN')).toBe(true)
  })
})

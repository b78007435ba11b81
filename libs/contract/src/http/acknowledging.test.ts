import { describe, expect, test } from '@jest/globals'
import type { ChannelDriver } from '@sluice/channel'
import { settle } from '@sluice/testkit'
import { Apart, rows } from '../../test/apart.ts'
import { removeEndedChannels } from '../ended-channels.ts'
import type { RowsEdit } from '../rows.ts'

const LEASE_MS = 10_000
const put = (names: readonly string[], orderKey?: string): RowsEdit => ({ put: rows(names, orderKey), removed: {} })
const removal = (name: string): RowsEdit => ({
  put: {},
  removed: { logs: [name], ingresses: [name], routes: [name], deliveries: [name] },
})

describe('who lacks a revision, across processes', () => {
  test('is told by name until each role of each replica has it; then listeners are', async () => {
    const apart = new Apart()
    const { contract } = await apart.serve({ expected: ['ingress', 'filter', 'dispatcher'] })
    const revision = await contract.change(put(['a']))
    await apart.clock.advance(LEASE_MS)
    expect(contract.lacking(revision)).toEqual([{ role: 'ingress' }, { role: 'filter' }, { role: 'dispatcher' }])
    const one = await apart.follow({ roles: ['ingress'], replica: 'i1' })
    const both = await apart.follow({ roles: ['filter', 'dispatcher'], replica: 'fd1' })
    one.watch('ingress', () => {})
    both.watch('filter', () => {})
    await settle()
    expect(contract.lacking(revision)).toEqual([
      { role: 'filter', replica: 'fd1' },
      { role: 'dispatcher', replica: 'fd1' },
    ])
    let isStuck = false
    both.watch('dispatcher', () => (isStuck ? new Promise<void>(() => {}) : undefined))
    await settle()
    expect(contract.lacking(revision)).toEqual([])
    isStuck = true
    const told: number[] = []
    contract.changed(() => told.push(contract.lacking(revision + 1).length))
    expect(await contract.change(put(['b']))).toBe(revision + 1)
    await settle()
    expect(contract.acknowledged(revision + 1)).toBe(false)
    expect(contract.lacking(revision + 1)).toEqual([
      { role: 'filter', replica: 'fd1' },
      { role: 'dispatcher', replica: 'fd1' },
    ])
    expect(told.at(-1)).toBe(2)
  })

  test.each(['at once', 'after renewals at the older revision'])(
    'a small edit after another is acknowledged by replicas of one role and of two, and listeners are told: %s',
    async (when) => {
      const apart = new Apart()
      const { contract } = await apart.serve({ expected: ['ingress', 'filter', 'dispatcher'] })
      const one = await apart.follow({ roles: ['ingress'], replica: 'i1' })
      const both = await apart.follow({ roles: ['filter', 'dispatcher'], replica: 'fd1' })
      one.watch('ingress', () => {})
      both.watch('filter', () => {})
      both.watch('dispatcher', () => {})
      await contract.change(put(['a', 'b', 'c']))
      await apart.clock.advance(LEASE_MS)
      for (const edit of [put(['b'], 'x'), removal('c'), put(['d'])]) {
        if (when !== 'at once') await apart.clock.advance(7_000)
        let isTold = false
        const revision = await contract.change(edit)
        using _listening = contract.changed(() => (isTold ||= contract.acknowledged(revision)))
        await settle()
        expect([contract.lacking(revision), isTold]).toEqual([[], true])
      }
    },
  )

  test('a replica that died no longer lacks anything after its lease, and listeners are told', async () => {
    const apart = new Apart()
    const { contract } = await apart.serve()
    const link = { isUp: true }
    const followers = await Promise.all([apart.follow(), apart.follow({ replica: 'f2', link })])
    for (const follower of followers) follower.watch('filter', () => {})
    await apart.clock.advance(LEASE_MS)
    link.isUp = false
    const revision = await contract.change(put(['a']))
    await apart.clock.advance(LEASE_MS / 2)
    expect(contract.lacking(revision)).toEqual([{ role: 'filter', replica: 'f2' }])
    const acknowledged = contract.whenAcknowledged(revision)
    await apart.clock.advance(LEASE_MS / 2)
    expect(contract.lacking(revision)).toEqual([])
    expect(await acknowledged).toBe(true)
  })

  test('after a restart of the server every role lacks it until the term is over; then listeners are told, without a new edit', async () => {
    const apart = new Apart()
    const first = await apart.serve()
    const revision = await first.contract.change(put(['a']))
    const follower = await apart.follow()
    follower.watch('filter', () => {})
    await apart.clock.advance(LEASE_MS)
    apart.kill()
    const { contract } = await apart.serve()
    expect(contract.contract().revision).toBe(revision)
    await apart.clock.advance(LEASE_MS / 2)
    expect(contract.lacking(revision)).toEqual([{ role: 'filter' }])
    const acknowledged = contract.whenAcknowledged(revision)
    await apart.clock.advance(LEASE_MS / 2)
    expect(contract.lacking(revision)).toEqual([])
    expect(await acknowledged).toBe(true)
  })

  test.each(['broker', 'channel'] as const)(
    'a %s that is removed by a small edit has its channels removed as soon as every replica has let go',
    async (kind) => {
      const apart = new Apart()
      const { contract } = await apart.serve()
      const removed: string[] = []
      const driver = {
        create: async () => {},
        remove: async (channel: string) => void removed.push(channel),
        isRetryable: () => false,
        backlog: async () => ({ events: 0, bytes: 0 }),
        parked: async () => [],
      } as unknown as ChannelDriver
      using _removing = removeEndedChannels({ ...apart, driver, contract })
      const link = { isUp: true }
      const followers = await Promise.all([apart.follow(), apart.follow({ replica: 'f2', link })])
      for (const follower of followers) follower.watch('filter', () => {})
      const { logs, ...others } = rows(['a', 'b'])
      await contract.change({ put: { ...others, logs: logs.map((row) => ({ ...row, kind })) }, removed: {} })
      await apart.clock.advance(LEASE_MS)
      await contract.change(removal('a'))
      await settle()
      expect(removed).toEqual(['log/a', 'queues/a'])
      link.isUp = false // one died meanwhile
      await contract.change(removal('b'))
      await apart.clock.advance(LEASE_MS)
      expect(removed).toEqual(['log/a', 'queues/a', 'log/b', 'queues/b'])
    },
  )
})

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Apart, FakeRole, memoryCopyByChanges, rows } from '../../test/apart.ts'
import { knownOf, NO_ROWS, withHashes } from '../delta.ts'
import type { FollowedContract } from '../index.ts'
import type { Rows } from '../rows.ts'

const READERS = 3
const NAMES = ['a', 'b', 'c', 'd']

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      names: fc.subarray(NAMES),
      orderKey: fc.constantFrom('x', 'y'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      name: fc.constantFrom(...NAMES),
      orderKey: fc.constantFrom('x', 'y', undefined),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 150, 2_900, 11_000) }) },
  ...(['cut', 'killServer', 'serve'] as const).map((what) => ({
    weight: 1,
    arbitrary: fc.record({ do: fc.constant(what) }),
  })),
  ...(['unplug', 'plug', 'killReader', 'startReader', 'fillDisk', 'clearDisk', 'stall', 'go'] as const).map((what) => ({
    weight: 1,
    arbitrary: fc.record({ do: fc.constant(what), reader: fc.nat(READERS - 1) }),
  })),
)

/** One process that follows, its disk, its line, and its role; killed, it leaves its lease behind. */
class Reader {
  readonly copy = memoryCopyByChanges()
  readonly link = { isUp: true }
  follower: FollowedContract | undefined
  role = new FakeRole()
  isStalled = false
  /** Highest revision that any process of it had on disk and in force. */
  inForce = -1
  readonly #apart: Apart
  readonly #replica: string

  constructor(apart: Apart, replica: string) {
    this.#apart = apart
    this.#replica = replica
  }

  async start(): Promise<void> {
    if (this.follower !== undefined) return
    const role = new FakeRole()
    const { copy, link } = this
    const follower = await this.#apart.follow({ replica: this.#replica, copy, link })
    this.role = role
    this.follower = follower
    follower.watch('filter', async (delta) => {
      if (this.isStalled) throw new Error('stalled')
      expect(delta.revision).toBeGreaterThan(role.revision ?? -1)
      await role.apply(delta)
      expect(copy.held?.revision).toBeGreaterThanOrEqual(delta.revision)
      this.inForce = Math.max(this.inForce, delta.revision)
    })
  }

  async kill(): Promise<void> {
    const { follower, link } = this
    this.follower = undefined
    const wasUp = link.isUp
    link.isUp = false // so that it says no farewell
    await follower?.[Symbol.asyncDispose]()
    link.isUp = wasUp
  }
}

function withoutName({ logs, ingresses, routes, deliveries }: Rows, name: string): Rows {
  const isOther = ({ uid }: { uid: string }) => uid !== name
  return {
    logs: logs.filter(isOther),
    ingresses: ingresses.filter(isOther),
    routes: routes.filter(isOther),
    deliveries: deliveries.filter(isOther),
    sources: [],
  }
}

function sorted(one: Rows, other: Rows): Rows {
  const byUid = <T extends { uid: string }>(rows: readonly T[]) => rows.toSorted((a, b) => (a.uid < b.uid ? -1 : 1))
  return {
    logs: byUid([...one.logs, ...other.logs]),
    ingresses: byUid([...one.ingresses, ...other.ingresses]),
    routes: byUid([...one.routes, ...other.routes]),
    deliveries: byUid([...one.deliveries, ...other.deliveries]),
    sources: [],
  }
}

test('after any edits, broken lines, restarts of either side and full disks every reader holds what the server holds, and no acknowledgement was a lie', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const apart = new Apart()
      let served = await apart.serve()
      let isServing = true
      let wanted: Rows = rows([])
      const readers = Array.from({ length: READERS }, (_, n) => new Reader(apart, `f${n}`))
      for (const reader of readers) await reader.start()
      const serve = async () => {
        if (isServing) return
        served = await apart.serve()
        isServing = true
        await served.store.publish(wanted)
      }
      let seen = 0
      const check = () => {
        for (const { replica, revision } of apart.network.acknowledged.slice(seen)) {
          const reader = readers[Number(replica.slice(1))] as Reader
          if (revision !== undefined) expect(reader.inForce).toBeGreaterThanOrEqual(revision)
        }
        seen = apart.network.acknowledged.length
        const { revision } = served.store.contract()
        if (!isServing || !served.contract.acknowledged(revision)) return
        const live = served.service.replicas().map(({ replica }) => replica)
        for (const [n, reader] of readers.entries())
          if (live.includes(`f${n}`)) expect(reader.inForce).toBeGreaterThanOrEqual(revision)
      }
      for (const each of steps) {
        const reader = 'reader' in each ? (readers[each.reader] as Reader) : (readers[0] as Reader)
        if (each.do === 'edit') {
          wanted = rows(each.names, each.orderKey)
          if (isServing) await served.store.publish(wanted)
        } else if (each.do === 'change') {
          const { name, orderKey } = each
          const others = withoutName(wanted, name)
          const added = orderKey === undefined ? rows([]) : rows([name], orderKey)
          const gone = [name]
          const removed = { logs: gone, ingresses: gone, routes: gone, deliveries: gone }
          wanted = sorted(others, added)
          if (isServing) await served.store.change({ put: added, removed })
        } else if (each.do === 'wait') await apart.clock.advance(each.ms)
        else if (each.do === 'cut') apart.network.cut()
        else if (each.do === 'killServer') {
          apart.kill()
          isServing = false
        } else if (each.do === 'serve') await serve()
        else if (each.do === 'unplug') reader.link.isUp = false
        else if (each.do === 'plug') reader.link.isUp = true
        else if (each.do === 'killReader') await reader.kill()
        else if (each.do === 'startReader') await reader.start()
        else if (each.do === 'fillDisk') reader.copy.isFull = true
        else if (each.do === 'clearDisk') reader.copy.isFull = false
        else reader.isStalled = each.do === 'stall'
        check()
      }
      await serve()
      for (const reader of readers) {
        reader.link.isUp = true
        reader.copy.isFull = false
        reader.isStalled = false
        await reader.start()
      }
      await apart.clock.advance(30_000)
      check()
      const { revision } = served.store.contract()
      const expected = withHashes(wanted)
      for (const reader of readers) {
        expect([reader.role.rows(), reader.role.revision]).toEqual([expected, revision])
        expect(reader.copy.held?.revision).toBe(revision)
        expect(knownOf(reader.copy.held ?? NO_ROWS)).toEqual(knownOf(expected))
      }
      expect(served.contract.acknowledged(revision)).toBe(true)
      for (const reader of readers) await reader.kill()
      apart.kill()
    }),
    { numRuns: 60 },
  )
}, 60_000)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { DeskWorld, type TestReplica } from '../../test/desk-world.ts'
import { ping } from '../../test/source-rows.ts'

const UIDS = ['1', '2', '3', '4', '5']
const LEASE_MS = 10_000
const HEARTBEAT_MS = 3_000
const PER_LIFE = 5

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('put' as const), uids: fc.subarray(UIDS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), uids: fc.subarray(UIDS) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 2_900, 11_000, 11_000) }),
  },
  ...(['join', 'cut', 'killServer', 'serve'] as const).map((what) => ({
    weight: what === 'join' ? 3 : 1,
    arbitrary: fc.record({ do: fc.constant(what) }),
  })),
  ...(['leave', 'kill', 'unplug', 'plug', 'hang', 'go'] as const).map((what) => ({
    weight: what === 'plug' ? 2 : what === 'hang' ? 3 : 1,
    arbitrary: fc.record({ do: fc.constant(what), replica: fc.nat(PER_LIFE - 1) }),
  })),
)

/** What must hold whatever happens, looked at after each step and each half second. */
class Watch {
  readonly replicas: TestReplica[] = []
  readonly #world: DeskWorld
  /** By uid and term: who ran it. */
  readonly #holders = new Map<string, TestReplica>()
  readonly #written = new Map<string, number>()
  readonly #unheldSince = new Map<string, number>()
  /** When somebody last came, or came back: until the lease is over others may be on their way. */
  disturbedAt = 0

  constructor(world: DeskWorld) {
    this.#world = world
  }

  async look(rows: ReadonlySet<string>): Promise<void> {
    const now = this.#world.clock.monotonic()
    for (const replica of this.replicas) {
      for (const [uid, { term }] of replica.held) {
        const one = `${uid} ${term}`
        const holder = this.#holders.get(one) ?? replica
        expect([one, holder === replica]).toEqual([one, true])
        this.#holders.set(one, replica)
      }
    }
    for (const uid of UIDS) {
      const isHeld = this.replicas.some(({ held }) => held.has(uid))
      const canBe =
        rows.has(uid) && this.#world.network.server !== undefined && this.replicas.some(({ link }) => link.isUp)
      if (isHeld || !canBe) this.#unheldSince.delete(uid)
      else if (!this.#unheldSince.has(uid)) this.#unheldSince.set(uid, now)
      const since = Math.max(this.#unheldSince.get(uid) ?? now, this.disturbedAt)
      expect([uid, now - since <= LEASE_MS + HEARTBEAT_MS]).toEqual([uid, true])
    }
    await this.#write()
  }

  /** Everybody writes under its term; nobody does behind a newer one. */
  async #write(): Promise<void> {
    for (const { held } of this.replicas) {
      for (const [uid, { term, state }] of held) {
        const newest = this.#written.get(uid) ?? 0
        const isWritten = await state.put({ term: String(term) }).then(
          () => true,
          () => false,
        )
        if (!isWritten) continue
        expect([uid, term >= newest]).toEqual([uid, true])
        this.#written.set(uid, term)
      }
    }
  }
}

test('a term has one holder, nothing is without one for longer than a lease, and nobody writes behind a newer term', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-desk-'))
  let runs = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        const world = await new DeskWorld('apart', { path: join(folder, `${runs++}.db`) }).begin()
        const watch = new Watch(world)
        const rows = new Set<string>()
        let version = 0
        const replicaOf = (n: number) => watch.replicas[n % Math.max(1, watch.replicas.length)]
        const gone = (replica: TestReplica | undefined) => {
          if (replica !== undefined) watch.replicas.splice(watch.replicas.indexOf(replica), 1)
        }
        const wait = async (ms: number) => {
          for (let left = ms; left > 0; left -= 500) {
            await world.clock.advance(Math.min(left, 500))
            await watch.look(rows)
          }
        }
        for (const one of steps) {
          const replica = 'replica' in one ? replicaOf(one.replica) : undefined
          const isServed = world.network.server !== undefined
          if (one.do === 'put' && isServed) {
            for (const uid of one.uids) rows.add(uid)
            version += 1
            await world.put(...one.uids.map((uid) => ping(uid, { schedule: `${version} * * * *` })))
          } else if (one.do === 'remove' && isServed) {
            for (const uid of one.uids) rows.delete(uid)
            await world.remove(...one.uids)
          } else if (one.do === 'wait') await wait(one.ms)
          else if (one.do === 'join' && watch.replicas.length < PER_LIFE) watch.replicas.push(await world.replica())
          else if (one.do === 'cut') world.network.cut()
          else if (one.do === 'killServer' && isServed) await world.down()
          else if (one.do === 'serve' && !isServed) await world.open()
          else if (one.do === 'leave' && replica?.link.isUp) {
            replica.stopping.gate = async () => {}
            gone(replica)
            let isOver = false
            void replica.stop().then(() => {
              isOver = true
            })
            // one that hangs does so until its time is over
            for (let look = 0; look < 40 && !isOver; look++) await world.clock.advance(500)
            expect(isOver).toBe(true)
          } else if (one.do === 'kill' && replica !== undefined) {
            gone(replica)
            await replica.kill()
          } else if (replica !== undefined && (one.do === 'unplug' || one.do === 'plug'))
            replica.link.isUp = one.do === 'plug'
          else if (replica !== undefined && one.do === 'hang')
            replica.stopping.gate = () => new Promise((go) => world.clock.after(1.5 * LEASE_MS, () => go()))
          else if (replica !== undefined && one.do === 'go') replica.stopping.gate = async () => {}
          if (['join', 'cut', 'serve', 'plug', 'unplug'].includes(one.do)) watch.disturbedAt = world.clock.monotonic()
          await world.settle()
          await watch.look(rows)
        }
        if (world.network.server === undefined) await world.open()
        for (const { link, stopping } of watch.replicas) {
          link.isUp = true
          stopping.gate = async () => {}
        }
        watch.disturbedAt = world.clock.monotonic()
        await wait(3 * LEASE_MS)
        const loads = watch.replicas.map(({ held }) => held.size)
        if (loads.length > 0) {
          expect(watch.replicas.flatMap(({ held }) => [...held.keys()]).toSorted()).toEqual([...rows].toSorted())
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
        }
        for (const replica of watch.replicas) await replica.kill()
        await world.down()
      }),
      { numRuns: 6 },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

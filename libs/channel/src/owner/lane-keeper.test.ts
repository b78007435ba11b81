import { expect, test } from '@jest/globals'
import { type Clock, systemClock } from '@sluice/clock'
import { Aside } from './aside.ts'
import { LaneKeeper } from './lane-keeper.ts'
import type { Grip, LaneStore, MemberSink } from './lane-store.ts'
import { Stock } from './stock.ts'

const events = { skipped() {}, repeated() {}, taken() {}, lost() {}, failed() {} }
const nothing: Disposable = { [Symbol.dispose]() {} }

function until(isMet: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (isMet() ? resolve() : setImmediate(look))
    look()
  })
}

/** Two lanes; the first take breaks off after the store has written who has the lane. */
function store(log: string[]): { store: LaneStore; members: () => MemberSink } {
  let sink: MemberSink | undefined
  let takes = 0
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    after: (ms, callback) => systemClock.after(Math.min(ms, 1), callback),
  }
  const grip = (lane: number): Grip => ({
    ...{ cursor: undefined, end: 0, onLost() {}, keep: async () => 1, park: async () => {}, remove: async () => {} },
    async write(cursor) {
      log.push(`${lane} ${(JSON.parse(cursor) as { owner: string | null }).owner}`)
      return true
    },
    async *asides() {},
    hasFrom: async () => false,
    historyFrom: async (seq) => seq,
    contents: async () => [],
    ...nothing,
  })
  const made: LaneStore = {
    ...{ clock, kind: 'log', lanes: 2, repeats: false, readsTogether: false, isUp: true },
    onUp: () => nothing,
    isUnavailable: () => true,
    unavailable: (reason) => new Error(reason),
    placeOf: () => ({ seq: 0, age: 0 }),
    read: () => ({ pull() {}, ...nothing }),
    async take(lane) {
      if (lane === 1 && takes++ === 0) {
        sink?.onMember('z', true)
        throw new Error('the connection was lost')
      }
      return grip(lane)
    },
    redriven: () => nothing,
    members(given) {
      sink = given
      return nothing
    },
    newMember: () => 'me',
    beat: async () => {},
    leave: async () => {},
    forget: async () => {},
    moved: async () => {},
  }
  return { store: made, members: () => sink as MemberSink }
}

test("a lane whose taking broke off, and that is another one's by now, is given up", async () => {
  const log: string[] = []
  const { store: made, members } = store(log)
  const stock = new Stock({ store: made, events, aside: new Aside(made), window: () => 1, onStock() {} })
  const deps = { store: made, leaseMs: 60_000, events, member: 'me', stock, onChange() {}, onLost() {} }
  const keeper = new LaneKeeper(deps)
  keeper.start()
  members().onMember('me', true)
  await until(() => log.includes('1 null'))
  expect(log.filter((each) => each.startsWith('1 '))).toEqual(['1 me', '1 null'])
  expect([...keeper.lanes.keys()]).toEqual([0])
  await keeper.stop()
})

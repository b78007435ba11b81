import { expect, jest, test } from '@jest/globals'
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

interface Breaks {
  /** The first take breaks off after the store has written who has the lane. */
  readonly isTaking?: boolean
  /** The server is away as a lane is given up first, and back a little later. */
  readonly isGivingUp?: boolean
  /** Somebody else has lane 1. */
  readonly isRefusing?: boolean
}

/** Two lanes. */
function store(log: string[], { isTaking, isGivingUp, isRefusing }: Breaks = {}) {
  let sink: MemberSink | undefined
  let takes = 0
  let isAway = false
  const leave = (ms: number) => {
    isAway = true
    clock.after(ms, () => {
      isAway = false
    })
  }
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    after: (ms, callback) => systemClock.after(Math.min(ms, 1), callback),
  }
  const grip = (lane: number): Grip => ({
    ...{ cursor: undefined, end: 0, onLost() {}, keep: async () => 1, park: async () => {}, remove: async () => {} },
    async write(cursor) {
      const { owner } = JSON.parse(cursor) as { owner: string | null }
      if (isGivingUp && owner === null && !log.includes('away')) {
        log.push('away')
        leave(5)
        throw new Error('the server is away')
      }
      log.push(`${lane} ${owner}`)
      return true
    },
    async *asides() {},
    hasFrom: async () => false,
    historyFrom: async (seq) => seq,
    contents: async () => [],
    ...nothing,
  })
  const made: LaneStore = {
    ...{ clock, kind: 'log', lanes: 2, repeats: false, readsTogether: false },
    get isUp() {
      return !isAway
    },
    onUp: () => nothing,
    isUnavailable: () => true,
    unavailable: (reason) => new Error(reason),
    placeOf: () => ({ seq: 0, age: 0 }),
    read: () => ({ pull() {}, ...nothing }),
    async take(lane) {
      if (lane === 1 && isRefusing) {
        log.push('asked')
        return undefined
      }
      if (lane === 1 && isTaking && takes++ === 0) {
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
  return { store: made, members: () => sink as MemberSink, leave }
}

function keep(log: string[], breaks: Breaks) {
  const { store: made, members, leave } = store(log, breaks)
  const stock = new Stock({ store: made, events, aside: new Aside(made), window: () => 1, onStock() {} })
  const deps = { store: made, leaseMs: 60_000, events, member: 'me', stock, onChange() {}, onLost() {} }
  const keeper = new LaneKeeper(deps)
  keeper.start()
  members().onMember('me', true)
  return { keeper, members, stock, leave: (ms: number) => leave(ms) }
}

test("a lane whose taking broke off, and that is another one's by now, is given up", async () => {
  const log: string[] = []
  const { keeper } = keep(log, { isTaking: true })
  await until(() => log.includes('1 null'))
  expect(log.filter((each) => each.startsWith('1 '))).toEqual(['1 me', '1 null'])
  expect([...keeper.lanes.keys()]).toEqual([0])
  await keeper.stop()
})

test('a lane that could not be given up, as the server was away, is given up once it is back', async () => {
  const log: string[] = []
  const { keeper, members } = keep(log, { isGivingUp: true })
  await until(() => log.includes('1 me'))
  members().onMember('z', true)
  await until(() => log.includes('1 null'))
  expect(log.filter((each) => !each.startsWith('0 '))).toEqual(['1 me', 'away', '1 me', '1 null'])
  expect([...keeper.lanes.keys()]).toEqual([0])
  await keeper.stop()
})

test('nor does one stay that was to be given up while the server was known to be away', async () => {
  const log: string[] = []
  const { keeper, members, leave } = keep(log, {})
  await until(() => log.includes('1 me'))
  leave(5)
  members().onMember('z', true)
  await until(() => log.includes('1 null'))
  expect(log.filter((each) => !each.startsWith('0 '))).toEqual(['1 me', '1 me', '1 null'])
  expect([...keeper.lanes.keys()]).toEqual([0])
  await keeper.stop()
})

test('a lane that somebody else has is asked for now and then, and holds up none beside it', async () => {
  const log: string[] = []
  const { keeper, stock } = keep(log, { isRefusing: true })
  const added = jest.spyOn(stock, 'add')
  await until(() => added.mock.calls.length > 0)
  const before = log.filter((each) => each === 'asked').length
  await new Promise((resolve) => setImmediate(resolve))
  expect(log.filter((each) => each === 'asked').length - before).toBeLessThan(2)
  expect([...keeper.lanes.keys()]).toEqual([0])
  await keeper.stop()
})

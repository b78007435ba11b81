import { describe, expect, test } from '@jest/globals'
import type { Clock } from '@sluice/clock'
import type { LaneStore, MemberSink } from './lane-store.ts'
import { Membership } from './membership.ts'

const LEASE_MS = 10_000
/** Of the two lanes that of `b`, while `b` is there. */
const THEIRS = 1

/** Stands still until told; what a timer wakes has run before the next. */
class Time implements Clock {
  #now = 0
  #timers: { readonly due: number; readonly callback: () => void }[] = []

  now = () => this.#now
  monotonic = () => this.#now

  after(delayMs: number, callback: () => void): Disposable {
    const timer = { due: this.#now + delayMs, callback }
    this.#timers.push(timer)
    const without = () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
    return { [Symbol.dispose]: without }
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.due - b.due)
      if (next === undefined || next.due > end) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#now = next.due
      next.callback()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#now = end
  }
}

/** `a` looks, `b` beats until it dies. A store that stalls keeps what is said, and does not say so. */
function pair() {
  const time = new Time()
  const nothing: Disposable = { [Symbol.dispose]() {} }
  let held: { readonly name: string; readonly heard: () => void }[] = []
  let isStalled = false
  let isDead = false
  let up = () => {}
  let sink: MemberSink | undefined
  const say = (name: string) =>
    new Promise<void>((resolve) => {
      const heard = () => {
        sink?.onMember(name, true)
        resolve()
      }
      if (isStalled) held.push({ name, heard })
      else heard()
    })
  const store = {
    ...{ clock: time, isUp: true, beat: say },
    onUp(callback: () => void) {
      up = callback
      return nothing
    },
    members(given: MemberSink) {
      sink = given
      return nothing
    },
    ...{ leave: async () => {}, forget: async () => {}, moved: async () => {} },
  } as unknown as LaneStore
  const membership = new Membership({ store, member: 'a', leaseMs: LEASE_MS, onChange: () => undefined })
  const beat = () => {
    if (isDead) return
    void say('b')
    time.after(LEASE_MS / 4, beat)
  }
  beat()
  return {
    time,
    isTaken: () => membership.wants(THEIRS),
    die: () => {
      isDead = true
    },
    stall: () => {
      isStalled = true
    },
    /** Our own words are heard first. */
    goOn: () => {
      isStalled = false
      const ours = held.filter(({ name }) => name === 'a')
      held = []
      for (const { heard } of ours) heard()
    },
    isUpAgain: () => up(),
  }
}

describe('the lanes of another member', () => {
  test('are wanted once it was silent for a lease in which we heard ourselves', async () => {
    const { time, isTaken, die } = pair()
    await time.pass(3 * LEASE_MS)
    expect(isTaken()).toBe(false)
    die()
    await time.pass(LEASE_MS / 2)
    expect(isTaken()).toBe(false)
    await time.pass(LEASE_MS)
    expect(isTaken()).toBe(true)
  })

  test('are not wanted because nobody was heard, ourselves included: it has a lease from then on', async () => {
    const { time, isTaken, die, stall, goOn } = pair()
    await time.pass(LEASE_MS)
    stall()
    await time.pass(2 * LEASE_MS)
    expect(isTaken()).toBe(false)
    goOn()
    expect(isTaken()).toBe(false)
    await time.pass(LEASE_MS)
    expect(isTaken()).toBe(false)
    die()
    await time.pass(2 * LEASE_MS)
    expect(isTaken()).toBe(true)
  })

  test('are wanted in the end although the store is away again and again before a lease is over', async () => {
    const { time, isTaken, die, stall, goOn, isUpAgain } = pair()
    await time.pass(LEASE_MS)
    die()
    for (let n = 0; n < 4; n++) {
      stall()
      await time.pass(LEASE_MS / 2)
      goOn()
      isUpAgain()
      await time.pass(LEASE_MS / 2)
    }
    expect(isTaken()).toBe(true)
  })
})

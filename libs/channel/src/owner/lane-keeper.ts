import { sleep } from '@sluice/clock'
import type { ConsumerDeps } from './consumer.ts'
import type { Lane } from './lane.ts'
import type { Redriven } from './lane-store.ts'
import { Membership } from './membership.ts'
import type { Stock } from './stock.ts'
import { addAside, type Taken, type TakeoverDeps, takeOver } from './takeover.ts'

export interface LaneKeeperDeps extends ConsumerDeps {
  readonly member: string
  readonly stock: Stock
  /** A lane came or went, or the lease is fresh again. */
  readonly onChange: () => void
  readonly onLost: (lane: Lane) => void
}

const RETRY_MS = 100

/** Takes the lanes that are this consumer's by the plan everybody shares, and gives up the others once nothing is out. */
export class LaneKeeper {
  readonly lanes = new Map<number, Lane>()
  readonly #deps: LaneKeeperDeps
  readonly #taking = new Map<number, Promise<void>>()
  readonly #releasing = new Map<number, Promise<void>>()
  /** Taking them broke off, or giving them up: they may stand under our name. Nobody else takes those while we live, so they are given up. */
  readonly #loose = new Set<number>()
  /** Not to be had just now: asked for again after a moment. */
  readonly #resting = new Set<number>()
  readonly #redriven: Redriven[] = []
  /** Ours, and not read yet. */
  readonly #taken: Taken[] = []
  #membership: Membership | undefined
  #redriveReader: Disposable | undefined
  #listening: Disposable | undefined
  #retry: Disposable | undefined
  #isStopped = false

  constructor(deps: LaneKeeperDeps) {
    this.#deps = deps
  }

  start(): void {
    const { store } = this.#deps
    this.#membership = new Membership({ ...this.#deps, onChange: () => this.#balance() })
    this.#redriveReader = store.redriven((each) => {
      this.#redriven.push(each)
      this.#adopt()
    })
    // Whether a lane is still ours is known once its cursor was written.
    this.#listening = store.onUp(() => {
      for (const lane of this.lanes.values()) lane.changed()
    })
  }

  get isFresh(): boolean {
    return this.#membership?.isFresh ?? false
  }

  /** Something of the lane is out no more. */
  ended(lane: Lane): void {
    if (lane.isLeaving) this.#release(lane)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#listening?.[Symbol.dispose]()
    this.#retry?.[Symbol.dispose]()
    this.#redriveReader?.[Symbol.dispose]()
    await Promise.all([...this.#taking.values(), ...this.#releasing.values()])
    await Promise.all([...this.lanes.values()].map((lane) => this.#giveUp(lane)))
    this.lanes.clear()
    await this.#membership?.stop()
  }

  #balance(): void {
    if (this.#isStopped || this.#membership === undefined) return
    for (let number = 0; number < this.#deps.store.lanes; number++) {
      const lane = this.lanes.get(number)
      if (this.#membership.wants(number) || (lane === undefined && this.#loose.has(number))) {
        if (lane === undefined && !this.#isBusy(number)) this.#take(number)
      } else if (lane !== undefined && !lane.isLeaving) {
        lane.isLeaving = true
        this.#deps.stock.drop(lane)
        this.#release(lane)
      }
    }
    this.#deps.onChange()
  }

  #isBusy(number: number): boolean {
    return this.#taking.has(number) || this.#releasing.has(number) || this.#resting.has(number)
  }

  #take(number: number): void {
    const { store, events } = this.#deps
    if (!store.isUp) {
      this.#again(number)
      return
    }
    const taking = takeOver(number, this.#takeoverDeps()).then(
      (taken) => {
        this.#loose.delete(number)
        // Lost while it was being taken, it would be held for ever
        if (taken === undefined || taken.lane.isGone) return this.#again(number)
        if (this.#isStopped) return void this.lanes.set(number, taken.lane)
        events.taken(number)
        this.lanes.set(number, taken.lane)
        this.#taken.push(taken)
        this.#membership?.moved(number)
      },
      (error: unknown) => {
        events.failed('taking a lane', error)
        this.#loose.add(number)
        this.#again(number)
      },
    )
    this.#taking.set(number, taking)
    void taking.finally(() => {
      this.#taking.delete(number)
      if (this.#taking.size === 0) this.#begin()
      this.#balance()
    })
  }

  /** What was taken in one go is read together. */
  #begin(): void {
    const taken = this.#taken.splice(0).filter(({ lane }) => !lane.isGone && !lane.isLeaving)
    if (this.#isStopped || taken.length === 0) return
    this.#deps.stock.add(taken)
    this.#adopt()
  }

  #takeoverDeps(): TakeoverDeps {
    const { store, member, events, onLost } = this.#deps
    return {
      store,
      member,
      isLive: (other) => this.#membership?.isLive(other) ?? true,
      onGarbled: (lane, place, error) => events.skipped(lane, place, error),
      onLost: (lane) => {
        events.lost(lane.number)
        if (this.lanes.get(lane.number) === lane) this.lanes.delete(lane.number)
        onLost(lane)
        this.#again()
      },
    }
  }

  #release(lane: Lane): void {
    if (lane.out > 0 || lane.writing.size > 0 || this.#releasing.has(lane.number) || lane.isGone) return
    const releasing = this.#giveUp(lane)
    this.#releasing.set(lane.number, releasing)
    void releasing.finally(() => {
      this.lanes.delete(lane.number)
      this.#releasing.delete(lane.number)
      this.#balance()
    })
  }

  async #giveUp(lane: Lane): Promise<void> {
    await Promise.allSettled(lane.writing)
    if (lane.isGone) return
    const isGivenUp = await lane.release().catch((error: unknown) => {
      this.#deps.events.failed('giving up a lane', error)
      return false
    })
    if (isGivenUp) this.#membership?.moved(lane.number)
    else if (!this.#isStopped) {
      this.#loose.add(lane.number)
      this.#again(lane.number)
    }
  }

  /** Tries again soon, and with `number` not before. */
  #again(number?: number): void {
    if (number !== undefined) this.#resting.add(number)
    this.#retry ??= this.#deps.store.clock.after(RETRY_MS, () => {
      this.#retry = undefined
      this.#resting.clear()
      this.#balance()
    })
  }

  /** What was redriven in a lane of ours becomes ours; the rest is for others. */
  #adopt(): void {
    for (const each of this.#redriven.splice(0)) {
      const lane = this.lanes.get(each.lane)
      if (lane !== undefined && !lane.isLeaving) void this.#adoptInto(lane, each)
      else this.#redriven.push(each)
    }
    if (this.#redriven.length > MOST_UNADOPTED) this.#redriven.length = MOST_UNADOPTED
  }

  async #adoptInto(lane: Lane, each: Redriven): Promise<void> {
    const { store, events } = this.#deps
    const adopting = each.adopt(lane.grip)
    lane.writing.add(adopting)
    try {
      const item = addAside(lane, await adopting, each.decode(), { store })
      if (item !== undefined && !lane.isGone) this.#deps.stock.later(item)
      lane.changed()
    } catch (error) {
      events.failed('taking up a redriven event', error)
      await sleep(store.clock, RETRY_MS)
      this.#redriven.push(each)
      this.#again()
    } finally {
      lane.writing.delete(adopting)
      this.ended(lane)
    }
  }
}

const MOST_UNADOPTED = 100_000

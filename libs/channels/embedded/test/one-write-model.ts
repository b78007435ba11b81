import { type ChannelDriver, type Delivery, type Entry, laneOf, oneWrite, type Subscription } from '@sluice/channel'
import { settle, VirtualClock } from '@sluice/testkit'
import { openEmbeddedDriver } from '../src/index.ts'
import { FaultyDriver, type Storing } from './faulty-driver.ts'
import { silent } from './folder.ts'

export const QUEUES = ['a', 'b'] as const
export const LANE_KEYS = ['x', 'y', 'z'] as const
const LANES = 2
const CHANNEL = 'queues'
const SUBSCRIPTION = 'dispatch'
const LIMITS = { spillAfterMs: 250, maxDirect: 8, maxDirectBytes: 8_000, maxWaiting: 3 }
const MAX_IN_FLIGHT = 5
/** A lost end comes to light after the longest delay and a few rounds of the store. */
const QUIET_MS = 5_000

export type Step =
  | { readonly do: 'publish'; readonly queue: number; readonly lane: number; readonly isKeyed: boolean }
  | { readonly do: 'publish'; readonly queue: number; readonly lane: number; readonly notBefore: number }
  | { readonly do: 'repeat'; readonly which: number }
  | {
      readonly do: 'end'
      readonly which: number
      readonly as: 'ack' | 'nack' | 'release' | 'park'
      readonly ms: number
    }
  | { readonly do: 'window'; readonly queue: number; readonly size: number }
  | { readonly do: 'join' | 'settle' | 'restart' }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'store'; readonly how: Storing }
  | { readonly do: 'wait'; readonly ms: number }

interface Copy {
  readonly entry: Entry
  readonly number: number
  /** Its first hand-out may come at any time: it was delayed, or a publish of it failed. */
  isUnordered: boolean
  isFulfilled: boolean
  pending: number
  nacks: number
  handOuts: number
  isEnded: boolean
  isWritten: boolean
  isAcked: boolean
  isParked: boolean
  /** It had ended before a restart: what memory alone knew of that is gone. */
  mayComeAgain: boolean
}

interface Out {
  readonly copy: Copy
  readonly delivery: Delivery
}

/** What was promised, kept beside what happens; every broken promise is a sentence in `broken`. */
export class OneWriteModel {
  readonly broken: string[] = []
  readonly #clock = new VirtualClock()
  readonly #windows = new Map<string, number>()
  readonly #copies: Copy[] = []
  readonly #newest = new Map<string, number>()
  readonly #consumers: { stop: AbortController; subscription: Subscription; out: Out[] }[] = []
  #faulty!: FaultyDriver
  #real!: ChannelDriver
  #driver!: ChannelDriver
  /** Ends and publishes that must settle. */
  #pending = 0
  /** How many of the store's publishes were looked at. */
  #looked = 0
  readonly #window: number
  /** Nothing happened that may cost an attempt or bring an end again. */
  #isCalm = true

  /** `window`: how many of a queue may be out at first. With 1 it must stay at most that, and consumers come in turn. */
  constructor(window: number) {
    this.#window = window
  }

  async open(): Promise<void> {
    this.#real = await openEmbeddedDriver({ dataDir: ':memory:', clock: this.#clock, log: silent })
    this.#faulty = new FaultyDriver(this.#real, this.#clock)
    for (const queue of QUEUES) this.#windows.set(queue, this.#window)
    await this.#start()
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.open()
    for (const step of steps) await this.#step(step)
    await this.#finish()
  }

  async #start(): Promise<void> {
    this.#driver = oneWrite(this.#faulty.driver, this.#clock, LIMITS)
    await this.#driver.create(CHANNEL, { kind: 'queue', lanes: LANES, subscriptions: [SUBSCRIPTION] })
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        return this.#publishNew(step)
      case 'repeat':
        return this.#repeat(step.which)
      case 'end':
        return this.#end(step.which, step.as, step.ms)
      case 'window':
        return this.#resize(QUEUES[step.queue] as string, step.size)
      case 'join':
        return this.#join()
      case 'leave':
        return this.#leave(step.which)
      case 'restart':
        return this.#restart()
      case 'store':
        this.#faulty.storing = step.how
        if (step.how !== 'well') this.#isCalm = false
        return
      case 'wait':
        await this.#clock.advance(step.ms)
        return this.#lookAtStore()
      case 'settle':
        await settle()
        return this.#lookAtStore()
    }
  }

  #publishNew(step: Extract<Step, { do: 'publish' }>): void {
    const number = this.#copies.length
    const isDelayed = 'notBefore' in step
    const attributes = new Map(Object.entries({ specversion: '1.0', id: String(number), source: '/', type: 't' }))
    const entry: Entry = {
      event: { attributes, data: undefined, dataKind: undefined },
      laneKey: LANE_KEYS[step.lane] as string,
      queue: QUEUES[step.queue] as string,
      ...(isDelayed || step.isKeyed ? { dedupKey: `k${number}` } : {}),
      ...(isDelayed ? { notBefore: this.#clock.now() + step.notBefore } : {}),
    }
    const counts = { pending: 0, nacks: 0, handOuts: 0 }
    const facts = { isUnordered: isDelayed, isFulfilled: false, isAcked: false, isParked: false, mayComeAgain: false }
    const marks = { isEnded: false, isWritten: false }
    const copy: Copy = { entry, number, ...counts, ...facts, ...marks }
    this.#copies.push(copy)
    this.#publish(copy)
  }

  /** One at a time: what is not in the store comes again behind what is, should the process be killed now. */
  #lookAtStore(): void {
    for (const written of this.#faulty.published.slice(this.#looked)) this.#copyOf(written).isWritten = true
    if (this.#window === 1) {
      for (const { event } of this.#faulty.published.slice(this.#looked)) {
        const copy = this.#copyOf({ event })
        const first = this.#copies.find((other) => mayRun(other) && other.number < copy.number && isBeside(other, copy))
        if (first !== undefined && !copy.isUnordered)
          this.broken.push(`${first.number} runs behind ${copy.number} in the store`)
      }
    }
    this.#looked = this.#faulty.published.length
  }

  #copyOf({ event }: Pick<Delivery, 'event'>): Copy {
    return this.#copies[Number(event.attributes.get('id'))] as Copy
  }

  #repeat(which: number): void {
    const keyed = this.#copies.filter(({ entry }) => entry.dedupKey !== undefined)
    const copy = keyed[keyed.length - 1 - (which % Math.max(keyed.length, 1))]
    if (copy !== undefined) this.#publish(copy)
  }

  #publish(copy: Copy): void {
    this.#pending++
    copy.pending++
    const settled = () => {
      this.#pending--
      copy.pending--
    }
    this.#driver.publish(CHANNEL, [copy.entry]).then(
      () => {
        copy.isFulfilled = true
        settled()
      },
      () => {
        copy.isUnordered = true
        settled()
      },
    )
  }

  #end(which: number, as: 'ack' | 'nack' | 'release' | 'park', ms: number): void {
    const all = this.#consumers.flatMap(({ out }) => out)
    const chosen = all[which % Math.max(all.length, 1)]
    if (chosen === undefined) return
    for (const { out } of this.#consumers) if (out.includes(chosen)) out.splice(out.indexOf(chosen), 1)
    this.#endAs(chosen, as, ms)
  }

  #endAs({ copy, delivery }: Out, as: 'ack' | 'nack' | 'release' | 'park', ms: number): void {
    let ended: Promise<void>
    copy.isEnded = true
    if (as === 'ack') {
      copy.isAcked = true
      ended = delivery.ack()
    } else if (as === 'nack') {
      copy.nacks++
      ended = delivery.nack(ms, `failed ${copy.nacks}`)
    } else if (as === 'release') ended = delivery.release(ms)
    else {
      copy.isParked = true
      ended = delivery.park('as told')
    }
    this.#pending++
    const settled = () => this.#pending--
    ended.then(settled, () => {
      settled()
      // Told to its publisher as well, or still handed out in the store: it comes again.
      copy.isParked = false
      this.#isCalm = false
    })
  }

  async #resize(queue: string, size: number): Promise<void> {
    // What was handed out before reaches its consumer before.
    await settle()
    this.#windows.set(queue, size)
    for (const { subscription } of this.#consumers) subscription.wake(queue)
  }

  #join(): void {
    if (this.#consumers.length === (this.#window === 1 ? 1 : 3)) return
    const stop = new AbortController()
    const options = {
      maxInFlight: MAX_IN_FLIGHT,
      maxInFlightBytes: 1_000_000,
      window: (queue: string) => this.#windows.get(queue) as number,
    }
    const subscription = this.#driver.subscribe(CHANNEL, SUBSCRIPTION, options, stop.signal)
    const consumer = { stop, subscription, out: [] as Out[] }
    this.#consumers.push(consumer)
    const read = async () => {
      for await (const batch of subscription) {
        if (!stop.signal.aborted) for (const delivery of batch) this.#handedOut(delivery, consumer.out)
      }
    }
    read().catch((error: unknown) => this.broken.push(`a consumer got ${String(error)}`))
  }

  #handedOut(delivery: Delivery, out: Out[]): void {
    const copy = this.#copyOf(delivery)
    const { number, entry } = copy
    const queue = entry.queue as string
    const all = this.#consumers.flatMap((consumer) => consumer.out)
    const say = (what: string) => this.broken.push(`${number} (queue ${queue}) ${what}`)
    if (copy.isAcked && !copy.mayComeAgain) say('was handed out after its ack')
    if (copy.isParked && !copy.mayComeAgain) say('was handed out while parked')
    if (all.some((other) => other.copy === copy)) say('was handed out twice at once')
    if (all.filter((other) => other.copy.entry.queue === queue).length >= (this.#windows.get(queue) as number))
      say('was handed out beyond the window')
    if (out.length >= MAX_IN_FLIGHT) say('was handed out beyond maxInFlight')
    if (delivery.attempt > copy.nacks + 1) say(`came as attempt ${delivery.attempt} after ${copy.nacks} nacks`)
    if (this.#isCalm && delivery.attempt !== copy.nacks + 1) say(`lost an attempt: ${delivery.attempt}`)
    if (delivery.dedupKey !== entry.dedupKey) say(`came with the key ${delivery.dedupKey}`)
    if (copy.handOuts++ === 0 && !copy.isUnordered) {
      const lane = `${queue} ${laneOf(entry.laneKey, LANES)}`
      const newest = this.#newest.get(lane) ?? -1
      if (newest > number) say(`was overtaken by ${newest}`)
      this.#newest.set(lane, Math.max(newest, number))
    }
    out.push({ copy, delivery })
  }

  #leave(which: number): void {
    const [consumer] = this.#consumers.splice(which % Math.max(this.#consumers.length, 1), 1)
    if (consumer === undefined) return
    this.#isCalm = false
    consumer.stop.abort()
  }

  /** The process stops in order and another begins on the same store. */
  async #restart(): Promise<void> {
    while (this.#consumers.length > 0) this.#leave(0)
    const stopping = this.#driver[Symbol.asyncDispose]()
    await this.#clock.advance(1_000)
    await stopping
    for (const copy of this.#copies) copy.mayComeAgain = copy.isAcked || copy.isParked
    await this.#start()
  }

  async #finish(): Promise<void> {
    this.#faulty.storing = 'well'
    for (const queue of QUEUES) await this.#resize(queue, 3)
    if (this.#consumers.length === 0) this.#join()
    for (let quiet = 0, i = 0; quiet < 3 && i < 100; i++) {
      const outs = this.#consumers.flatMap(({ out }) => out.splice(0))
      for (const out of outs) this.#endAs(out, 'ack', 0)
      quiet = outs.length === 0 ? quiet + 1 : 0
      await this.#clock.advance(outs.length === 0 ? QUIET_MS : 300)
    }
    if (this.#pending > 0) this.broken.push(`${this.#pending} publishes or ends never settled`)
    await this.#account()
    for (const { stop } of this.#consumers) stop.abort()
    const closing = this.#driver[Symbol.asyncDispose]().then(() => this.#real[Symbol.asyncDispose]())
    await this.#clock.advance(1_000)
    await closing
  }

  async #account(): Promise<void> {
    const parked = new Set<string>()
    for (const { event } of await this.#real.parked(CHANNEL, { limit: 1_000 }))
      parked.add(String(event.attributes.get('id')))
    for (const { number, isFulfilled, isAcked, isParked } of this.#copies) {
      if (!isFulfilled || isAcked || parked.has(String(number))) continue
      this.broken.push(`${number} ${isParked ? 'was parked and is nowhere' : 'is lost'}`)
    }
    const { events } = await this.#real.backlog(CHANNEL, SUBSCRIPTION)
    if (events > 0) this.broken.push(`${events} wait in the store for ever`)
  }
}

function mayRun({ isEnded, isWritten, isUnordered }: Copy): boolean {
  return !(isEnded || isWritten || isUnordered)
}

function isBeside(a: Copy, b: Copy): boolean {
  const isSameLane = laneOf(a.entry.laneKey, LANES) === laneOf(b.entry.laneKey, LANES)
  return isSameLane && a.entry.queue === b.entry.queue
}

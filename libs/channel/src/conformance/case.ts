import { ok } from 'node:assert/strict'
import { describe, test } from '@jest/globals'
import type { ChannelDriver, ChannelOptions, Delivery, Entry, Parked, Position, Stored } from '../port.ts'
import { Consumer, type ConsumerOptions } from './consumer.ts'
import { type ConformanceHarness, has, type Need } from './harness.ts'

/** The subscription of every channel that a case makes without saying more. */
export const SUBSCRIPTION = 'reader'
const PATIENCE_MS = 10_000
const CASE_MS = 60_000
const RETRY_MS = 20
const MANY_EVENTS = 10_000

/** One case: a driver, channels of its own, its consumers; all gone at its end. */
export class Case {
  readonly #harness: ConformanceHarness
  readonly #drivers: ChannelDriver[] = []
  readonly #channels = new Map<string, ChannelOptions>()
  readonly #consumers: Consumer[] = []
  readonly manyEvents: number
  driver: ChannelDriver

  private constructor(harness: ConformanceHarness, driver: ChannelDriver) {
    this.#harness = harness
    this.driver = driver
    this.#drivers.push(driver)
    this.manyEvents = harness.manyEvents ?? MANY_EVENTS
  }

  static async start(harness: ConformanceHarness): Promise<Case> {
    await harness.fresh?.()
    return new Case(harness, await harness.open())
  }

  now(): number {
    return this.#harness.now?.() ?? Date.now()
  }

  async elapse(ms: number): Promise<void> {
    await this.#harness.elapse?.(ms)
  }

  log(options: Partial<ChannelOptions> = {}): Promise<string> {
    return this.#create({ kind: 'log', lanes: 4, subscriptions: [SUBSCRIPTION], ...options })
  }

  queue(options: Partial<ChannelOptions> = {}): Promise<string> {
    return this.#create({ kind: 'queue', lanes: 4, subscriptions: [SUBSCRIPTION], ...options })
  }

  async #create(options: ChannelOptions): Promise<string> {
    const name = `conformance-${options.kind}-${crypto.randomUUID()}`
    await this.driver.create(name, options)
    this.#channels.set(name, options)
    return name
  }

  publish(channel: string, entries: readonly Entry[]): Promise<readonly Position[]> {
    return this.driver.publish(channel, entries)
  }

  /** As a publisher does it: what may pass is tried again, under the same keys. */
  async insist(channel: string, entries: readonly Entry[]): Promise<readonly Position[]> {
    const until = Date.now() + (this.#harness.patienceMs ?? PATIENCE_MS)
    for (;;) {
      try {
        return await this.publish(channel, entries)
      } catch (error) {
        if (!this.driver.isRetryable(error) || Date.now() > until) throw error
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  consume(channel: string, options: ConsumerOptions & { readonly as?: string; readonly driver?: ChannelDriver } = {}) {
    const { as = SUBSCRIPTION, driver = this.driver, ...rest } = options
    const consumer = new Consumer(driver, channel, as, rest, this.#harness.patienceMs ?? PATIENCE_MS)
    this.#consumers.push(consumer)
    return consumer
  }

  /** A driver for a second replica: another one where storage is shared, else the same. */
  async replica(): Promise<ChannelDriver> {
    if (!this.driver.capabilities.shared) return this.driver
    const driver = await this.#harness.open()
    this.#drivers.push(driver)
    await this.#createAll(driver)
    return driver
  }

  /** Positions of what was handed out. One that has none is a failure, unless the harness says that this happens. */
  positionsOf(deliveries: readonly Delivery[]): ReadonlySet<Position> {
    const positions = new Set(deliveries.map(({ position }) => position))
    if (this.#harness.handsOutUnwritten) positions.delete('')
    else ok(!positions.has(''), 'handed out without a position')
    return positions
  }

  backlog(channel: string, queue?: string) {
    return this.driver.backlog(channel, SUBSCRIPTION, queue)
  }

  parked(channel: string, queue?: string): Promise<readonly Parked[]> {
    return this.driver.parked(channel, queue === undefined ? { limit: 1_000 } : { queue, limit: 1_000 })
  }

  async read(channel: string, from: Position | Date | 'oldest' = 'oldest'): Promise<Stored[]> {
    const stored: Stored[] = []
    for await (const each of this.driver.read(channel, from, new AbortController().signal)) stored.push(each)
    return stored
  }

  /** An orderly end and a new start over the same storage; `finds` its channels unless told. */
  async restart({ finds = true } = {}): Promise<void> {
    for (const consumer of this.#consumers) await consumer.stop()
    await this.driver[Symbol.asyncDispose]()
    await this.#reopen(finds)
  }

  /** The process dies; consumers see nothing more. */
  async crash(): Promise<void> {
    await this.#harness.crash?.(this.driver)
    for (const consumer of this.#consumers) consumer.abandon()
    await this.#reopen(true)
  }

  async restartServer(): Promise<void> {
    await this.#harness.restartServer?.()
  }

  /** Cuts off the driver, or a replica's; mended by what it answers. */
  async cut(driver: ChannelDriver = this.driver): Promise<() => Promise<void>> {
    return (await this.#harness.cut?.(driver)) ?? (async () => undefined)
  }

  /** The process of a replica dies. */
  async kill(driver: ChannelDriver): Promise<void> {
    await this.#harness.crash?.(driver)
  }

  async #reopen(finds: boolean): Promise<void> {
    this.#consumers.length = 0
    this.driver = await this.#harness.open()
    this.#drivers.push(this.driver)
    if (finds) await this.#createAll(this.driver)
  }

  async #createAll(driver: ChannelDriver): Promise<void> {
    for (const [name, options] of this.#channels) await driver.create(name, options)
  }

  async end(): Promise<void> {
    for (const consumer of this.#consumers) consumer.abandon()
    for (const name of this.#channels.keys()) await this.driver.remove(name).catch(() => undefined)
    for (const driver of this.#drivers) await driver[Symbol.asyncDispose]()
    await this.#harness.cleanUp?.()
  }
}

export interface Suite {
  readonly harness: ConformanceHarness
  /** A case as a claim. What the harness can't do skips it, with the reason in its name. */
  claim(text: string, body: (it: Case) => Promise<unknown>, ...needs: Need[]): void
}

export function suiteOf(harness: ConformanceHarness): Suite {
  return {
    harness,
    claim(text, body, ...needs) {
      if (process.env.SLUICE_TESTS !== 'all' && harness.onDemand?.some((each) => text.startsWith(each))) {
        test.skip(`${text} (needs SLUICE_TESTS=all)`, () => undefined)
        return
      }
      const missing = needs.filter((need) => !has(harness, need))
      if (missing.length > 0) {
        test.skip(`${text} (needs ${missing.join(' and ')})`, () => undefined)
        return
      }
      test(
        text,
        async () => {
          const it = await Case.start(harness)
          try {
            await body(it)
          } finally {
            await it.end()
          }
        },
        CASE_MS,
      )
    },
  }
}

export function about(subject: string, claims: (suite: Suite) => void): (suite: Suite) => void {
  return (suite) => describe(subject, () => claims(suite))
}

import type { ChannelDriver } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import { type DeliveryRow, DISPATCH_SUBSCRIPTION } from '@sluice/contract'
import type { Tally } from './jobs.ts'

/** Without one that was asked for: a subscriber that just came back is not overrun. */
export const DEFAULT_RATE = 100
const MAX_TURN = 64
const TURNS_PER_SECOND = 10
/** A trigger's share of its backlog bound that redelivering may fill; beyond the bound, producers would be refused. */
const SHARE = 0.5
const LOOK_MS = 1_000
const LOOK_BYTES = 8_388_608
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 10_000

export interface PaceDeps {
  readonly driver: Pick<ChannelDriver, 'backlog' | 'isRetryable'>
  readonly clock: Clock
}

/** Keeps one job from going faster than it may. Aborting ends every wait at once; whoever waited looks at the signal. */
export class Pace {
  readonly #perSecond: number
  readonly #deps: PaceDeps
  readonly #tally: Tally
  readonly #signal: AbortSignal
  readonly #looked = new Map<string, { at: number; bytes: number }>()
  #due = 0

  constructor(perSecond: number, deps: PaceDeps, tally: Tally, signal: AbortSignal) {
    this.#perSecond = perSecond
    this.#deps = deps
    this.#tally = tally
    this.#signal = signal
  }

  /** Events to take at once. */
  get turn(): number {
    return Math.max(1, Math.min(MAX_TURN, Math.floor(this.#perSecond / TURNS_PER_SECOND)))
  }

  /** Resolves when `events` more may go. What came late is not made up for. */
  async next(events: number): Promise<void> {
    const now = this.#deps.clock.monotonic()
    const due = Math.max(this.#due, now)
    this.#due = due + (events * 1_000) / this.#perSecond
    if (due > now) await sleep(this.#deps.clock, Math.ceil(due - now), this.#signal)
  }

  /** Resolves when the trigger's backlog has room, looked at now and then: a dead subscriber must not refuse producers. */
  async room({ uid, channel, name, backlogMaxBytes }: DeliveryRow, bytes: number): Promise<void> {
    const { clock, driver } = this.#deps
    const looked = this.#looked.get(uid) ?? { at: Number.NEGATIVE_INFINITY, bytes: 0 }
    this.#looked.set(uid, looked)
    looked.bytes += bytes
    if (clock.monotonic() - looked.at < LOOK_MS && looked.bytes < LOOK_BYTES) return
    while (!this.#signal.aborted) {
      const backlog = await this.insist(() => driver.backlog(channel, DISPATCH_SUBSCRIPTION, uid))
      if (backlog.bytes <= backlogMaxBytes * SHARE) break
      this.#tally.waitsFor = `room: ${backlog.events} events, ${backlog.bytes} bytes wait for trigger ${name}`
      await sleep(clock, LOOK_MS, this.#signal)
    }
    this.#tally.waitsFor = undefined
    looked.at = clock.monotonic()
    looked.bytes = 0
  }

  /** Does it again while it fails with what may pass. Rejects with what does not, and once aborted. */
  async insist<T>(work: () => Promise<T>): Promise<T> {
    const { clock, driver } = this.#deps
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      this.#signal.throwIfAborted()
      try {
        const value = await work()
        this.#tally.waitsFor = undefined
        return value
      } catch (error) {
        if (!driver.isRetryable(error)) throw error
        this.#tally.waitsFor = `the channel: ${(error as Error).message}`
        await sleep(clock, delayMs, this.#signal)
      }
    }
  }
}

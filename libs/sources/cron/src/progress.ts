import { sleep } from '@sluice/clock'
import type { HeldSource, PingSourceRow } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import type { HoldingSource } from '@sluice/source-runtime'
import { z } from 'zod'
import type { Span } from './agenda.ts'
import type { TickEvents } from './events.ts'

/** How far a source has come, kept with its object. */
export interface Progress {
  /** The last tick that is done, or where the schedule began; ms since the epoch. */
  readonly done: number
  /** Until when somebody ran the source while a tick waited. */
  readonly awake: number
  /** Of the schedule and time zone that `done` is a tick of. */
  readonly schedule: string
  readonly timezone: string
  /** After `done`, what was left out while nobody ran the source, in order. */
  readonly gaps?: readonly Span[] | undefined
}

const KEY = 'progress'

const progress = z.object({
  ...{ done: z.int(), awake: z.int(), schedule: z.string(), timezone: z.string() },
  gaps: z.array(z.object({ from: z.int(), to: z.int() })).optional(),
})

/** Undefined: the source begins. What can't be read is no progress. */
export async function loadProgress(state: HeldSource['state']): Promise<Progress | undefined> {
  const text = await state.get(KEY)
  return text === undefined ? undefined : progress.safeParse(parsed(text)).data
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface ProgressKeeperDeps {
  readonly source: Pick<HoldingSource<PingSourceRow>, 'state' | 'clock' | 'signal'>
  readonly events: Pick<TickEvents, 'notSaved' | 'handedOver'>
}

/** A server that does not answer holds up no tick for longer. */
const PATIENCE_MS = 1_000

/** Writes down how far a source has come, the newest only, one at a time. */
export class ProgressKeeper {
  readonly #deps: ProgressKeeperDeps
  #wanted: Progress | undefined
  #writing: Promise<void> | undefined
  #isHandedOver = false

  constructor(deps: ProgressKeeperDeps) {
    this.#deps = deps
  }

  /** Another replica has the source: nothing is written down any more. */
  get isHandedOver(): boolean {
    return this.#isHandedOver
  }

  /** Resolves once it is written, could not be, or takes too long. */
  async keep(progress: Progress): Promise<void> {
    this.#wanted = progress
    await this.settled()
  }

  /** Tries once more what could not be written. Resolves as `keep` does. */
  async settled(): Promise<void> {
    // What is under way was waited for before
    if (this.#wanted === undefined || this.#writing !== undefined) return
    this.#writing = this.#write()
    const over = new AbortController()
    await Promise.race([this.#writing, sleep(this.#deps.source.clock, PATIENCE_MS, over.signal)])
    over.abort()
  }

  async #write(): Promise<void> {
    const { source, events } = this.#deps
    await null // `#writing` is to be known by then
    while (this.#wanted !== undefined && !this.#isHandedOver) {
      const writing = this.#wanted
      this.#wanted = undefined
      try {
        await source.state.put({ [KEY]: JSON.stringify(writing) })
      } catch (error) {
        this.#isHandedOver = isFailure(error, 'SOURCE_NOT_HELD')
        if (this.#isHandedOver) events.handedOver()
        else events.notSaved(error)
        this.#wanted ??= writing
        break
      }
    }
    this.#writing = undefined
  }
}

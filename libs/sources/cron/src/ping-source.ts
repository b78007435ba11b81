import { sleep } from '@sluice/clock'
import type { PingSourceRow } from '@sluice/contract'
import { createTimetable, readSchedule, type Timetable } from '@sluice/cron'
import { EventingError } from '@sluice/errors'
import type { HoldingSource } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'
import { agendaOf, type Span } from './agenda.ts'
import { type TickEvents, tickEvents } from './events.ts'
import { loadProgress, type Progress, ProgressKeeper } from './progress.ts'
import { isoSeconds, tickEvent } from './tick-event.ts'

export interface PingDeps {
  readonly telemetry: Pick<Telemetry, 'log' | 'counter'>
  /** Longest wait before looking at the clock on the wall again, which may be set; default 30 s. */
  readonly napMs?: number
}

/** Ticks of many sources at once come within that, each always as late. Source: knative/eventing pkg/adapter/mtping/runner.go. */
const JITTER_MS = 500
const NAP_MS = 30_000
/** While a tick waits to be stored it is noted soon, and then this often, that somebody is at it. */
const FIRST_BEAT_MS = 1_000
const BEAT_MS = 30_000
/** Of one outage; the oldest are forgotten, and then their ticks are run. */
const MAX_GAPS = 100
const SET_BACK_MS = 3_600_000

/** For `runSources`: posts an event at each tick of the schedule, one after another. */
export function pingSource({
  telemetry,
  napMs = NAP_MS,
}: PingDeps): (source: HoldingSource<PingSourceRow>) => Promise<AsyncDisposable> {
  return async (source) => {
    const events = tickEvents(telemetry, source.row)
    const timetable = timetableOf(source.row)
    tickEvent(source.row, 0)
    const loaded = await loadProgress(source.state)
    const over = new AbortController()
    const signal = AbortSignal.any([source.signal, over.signal])
    const running = new TickRunner({ source, timetable, events, signal, napMs }).run(loaded)
    return {
      async [Symbol.asyncDispose]() {
        over.abort()
        await running
      },
    }
  }
}

function timetableOf({ schedule, timezone }: Pick<PingSourceRow, 'schedule' | 'timezone'>): Timetable {
  const read = readSchedule(schedule)
  if ('problem' in read) throw new EventingError({ code: 'REQUEST_INVALID', problems: [read.problem] }, read.problem)
  return createTimetable(read, timezone)
}

interface TickDeps {
  readonly source: HoldingSource<PingSourceRow>
  readonly timetable: Timetable
  readonly events: TickEvents
  readonly signal: AbortSignal
  readonly napMs: number
}

class TickRunner {
  readonly #source: HoldingSource<PingSourceRow>
  readonly #timetable: Timetable
  readonly #events: TickEvents
  readonly #signal: AbortSignal
  readonly #napMs: number
  readonly #jitterMs: number
  #done = 0
  #awake = 0
  #gaps: readonly Span[] = []
  readonly #keeper: ProgressKeeper
  #schedule: Pick<Progress, 'schedule' | 'timezone'>

  constructor({ source, timetable, events, signal, napMs }: TickDeps) {
    this.#source = source
    this.#timetable = timetable
    this.#events = events
    this.#signal = signal
    this.#napMs = napMs
    this.#jitterMs = jitterOf(source.row.uid)
    this.#keeper = new ProgressKeeper({ source, events })
    this.#schedule = scheduleOf(source.row)
  }

  async run(loaded: Progress | undefined): Promise<void> {
    const { row, clock } = this.#source
    if (loaded === undefined) await this.#begin(clock.now())
    else {
      this.#done = loaded.done
      this.#awake = Math.max(loaded.awake, loaded.done)
      this.#gaps = loaded.gaps ?? []
      if (loaded.schedule !== row.schedule || loaded.timezone !== row.timezone) await this.#endSchedule(loaded)
    }
    if (this.#timetable.after(this.#now()) === undefined) this.#events.neverDue(row.schedule)
    while (!this.#isOver()) {
      const now = this.#now()
      if (this.#done - now > SET_BACK_MS) {
        this.#events.setBack(isoSeconds(this.#done))
        await this.#begin(clock.now())
      }
      await this.#runDue(this.#timetable, now, row.missedTicks)
      await this.#keeper.settled()
      if (!this.#isOver()) await this.#nap(now)
    }
  }

  /** The time that ticks are held against: each is run a little later than it says. */
  #now(): number {
    return this.#source.clock.now() - this.#jitterMs
  }

  #isOver(): boolean {
    return this.#signal.aborted || this.#keeper.isHandedOver
  }

  /** What an outage left of the schedule before is still run; the new one begins now. */
  async #endSchedule(loaded: Progress): Promise<void> {
    const now = this.#now()
    const { schedule, timezone } = loaded
    this.#schedule = { schedule, timezone }
    if (!('problem' in readSchedule(schedule))) await this.#runDue(timetableOf(loaded), now, 'skip')
    if (this.#isOver()) return
    this.#schedule = scheduleOf(this.#source.row)
    await this.#begin(Math.max(this.#source.clock.now(), this.#done))
  }

  async #begin(at: number): Promise<void> {
    this.#done = at
    this.#awake = at
    this.#gaps = []
    await this.#save()
  }

  async #runDue(timetable: Timetable, now: number, missed: PingSourceRow['missedTicks']): Promise<void> {
    const from = this.#done
    const { run, skipped, gap } = agendaOf({ timetable, done: from, awake: this.#awake, now, missed, gaps: this.#gaps })
    this.#awake = Math.max(this.#awake, now)
    const span = { from: isoSeconds(from), to: isoSeconds(now) }
    if (skipped > 0) {
      this.#events.skipped(skipped, { ...span, missed })
      // Said once: nothing of what is before the first to be run is looked at again
      this.#done = Math.max(from, (run[0] ?? now) - 1)
      if (gap !== undefined) this.#gaps = [...this.#gaps, gap].slice(-MAX_GAPS)
      await this.#save()
    }
    if (run.length > 1) this.#events.madeUp(run.length, span)
    for (const tick of run) {
      if (this.#isOver()) return
      const published = await this.#publish(tick)
      if (published === 'aborted') return
      this.#done = tick
      await this.#save()
    }
  }

  async #publish(tick: number): Promise<'stored' | 'refused' | 'aborted'> {
    const { outlet, row, clock } = this.#source
    const ended = new AbortController()
    const beating = (async () => {
      for (let waitMs = FIRST_BEAT_MS; ; waitMs = BEAT_MS) {
        await sleep(clock, waitMs, ended.signal)
        if (ended.signal.aborted || this.#isOver()) return
        this.#awake = Math.max(this.#awake, this.#now())
        await this.#save()
      }
    })()
    const { outcome } = await outlet.publish(tickEvent(row, tick), this.#signal)
    ended.abort()
    await beating
    return outcome
  }

  #save(): Promise<void> {
    this.#gaps = this.#gaps.filter(({ to }) => to > this.#done)
    const gaps = this.#gaps.length > 0 ? this.#gaps : undefined
    return this.#keeper.keep({ done: this.#done, awake: this.#awake, ...this.#schedule, gaps })
  }

  /** Until the tick after `judged`: that of the moment that has passed since then is due, and not over. */
  async #nap(judged: number): Promise<void> {
    const next = this.#timetable.after(Math.max(judged, this.#done)) ?? Number.POSITIVE_INFINITY
    await sleep(this.#source.clock, Math.min(this.#napMs, Math.max(0, next - this.#now())), this.#signal)
  }
}

function scheduleOf({ schedule, timezone }: PingSourceRow): Pick<Progress, 'schedule' | 'timezone'> {
  return { schedule, timezone }
}

function jitterOf(uid: string): number {
  let hash = 0
  for (let i = 0; i < uid.length; i++) hash = (Math.imul(hash, 31) + uid.charCodeAt(i)) >>> 0
  return hash % JITTER_MS
}

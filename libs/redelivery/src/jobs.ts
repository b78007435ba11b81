import type { Position } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { EventingError, type FailureCode, failureOf } from '@sluice/errors'
import type { RedeliveryEvents } from './events.ts'

export type JobKind = 'redrive' | 'purge' | 'replay'

/** What a job was asked to do. */
export interface JobFacts {
  readonly id: string
  readonly kind: JobKind
  readonly namespace: string
  readonly broker: string
  /** Absent: of all triggers. */
  readonly trigger?: string
  /** It counts, and changes nothing. */
  readonly isDryRun: boolean
  /** Events per second; absent: no limit. */
  readonly rate?: number
}

/** How far a job is. What it does counts up here. */
export interface Tally {
  /** Events looked at. */
  examined: number
  /** Of these, the ones that were asked for. */
  matched: number
  /** Redriven, purged or put into the trigger's queue. */
  done: number
  /** Not done, and why is in the log: too large for the channel with what a replay adds. */
  failed: number
  /** Not done, since their trigger is gone. */
  left: number
  /** Of a replay: everything up to here is done. A replay goes on from it under the same id. */
  at?: Position
  /** What it waits for now. */
  waitsFor?: string | undefined
}

/** `stopped`: its process stopped; what was not done is where it was. */
export type JobState = 'running' | 'done' | 'cancelled' | 'stopped' | 'failed'

export type JobView = JobFacts &
  Tally & {
    readonly state: JobState
    readonly startedAt: string
    readonly endedAt?: string
    readonly problem?: { readonly code: FailureCode; readonly detail: string; readonly oldest?: unknown }
  }

interface Job {
  readonly facts: JobFacts
  readonly tally: Tally
  readonly startedAt: number
  readonly cancel: AbortController
  state: JobState
  endedAt?: number
  error?: unknown
  ended: Promise<void>
}

export interface JobsDeps {
  readonly clock: Clock
  readonly events: RedeliveryEvents
}

/** At once in one process; each reads, and writes into queues that live traffic uses. */
const MAX_RUNNING = 4
/** Ended ones that are remembered. */
const MAX_ENDED = 100

/** Work that an operator asked for, in the background of this process and remembered by it alone. */
export class Jobs {
  readonly #deps: JobsDeps
  readonly #jobs = new Map<string, Job>()
  #isStopping = false

  constructor(deps: JobsDeps) {
    this.#deps = deps
  }

  /** Begins. Throws JOBS_FULL, and DRAINING while the process stops. An ended job of the same id is forgotten. */
  start(
    facts: JobFacts,
    work: (tally: Tally, signal: AbortSignal) => Promise<void>,
  ): { readonly ended: Promise<void> } {
    if (this.#isStopping) throw new EventingError({ code: 'DRAINING' }, 'the service is stopping')
    const running = [...this.#jobs.values()].filter(({ state }) => state === 'running')
    if (running.length >= MAX_RUNNING || running.some((job) => job.facts.id === facts.id)) {
      const ids = running.map((job) => job.facts.id).join(', ')
      throw new EventingError(
        { code: 'JOBS_FULL', maxJobs: MAX_RUNNING },
        `wait for one of these to end, or cancel it: ${ids}`,
      )
    }
    this.#jobs.delete(facts.id)
    const job: Job = {
      facts,
      tally: { examined: 0, matched: 0, done: 0, failed: 0, left: 0 },
      startedAt: this.#deps.clock.now(),
      cancel: new AbortController(),
      state: 'running',
      ended: Promise.resolve(),
    }
    this.#jobs.set(facts.id, job)
    this.#deps.events.started(facts)
    job.ended = this.#run(job, work)
    return job
  }

  /** Throws JOB_UNKNOWN, for one of another namespace too. */
  find(namespace: string, id: string): JobView {
    return viewOf(this.#job(namespace, id))
  }

  /** Newest first. */
  list(namespace: string): readonly JobView[] {
    return [...this.#jobs.values()]
      .filter(({ facts }) => facts.namespace === namespace)
      .map(viewOf)
      .toReversed()
  }

  /** Resolves once it has ended; one that had is left as it is. Throws as `find`. */
  async cancel(namespace: string, id: string): Promise<JobView> {
    const job = this.#job(namespace, id)
    job.cancel.abort()
    await job.ended
    return viewOf(job)
  }

  /** Ends all and takes no more. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const { cancel } of this.#jobs.values()) cancel.abort()
    await Promise.all([...this.#jobs.values()].map(({ ended }) => ended))
  }

  async #run(job: Job, work: (tally: Tally, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { tally, cancel } = job
    try {
      await work(tally, cancel.signal)
      job.state = cancel.signal.aborted ? this.#stateOfAborted() : 'done'
    } catch (error) {
      job.state = cancel.signal.aborted ? this.#stateOfAborted() : 'failed'
      if (job.state === 'failed') job.error = error
    }
    tally.waitsFor = undefined
    job.endedAt = this.#deps.clock.now()
    this.#deps.events.ended(job.facts, job.state, tally, job.error)
    this.#forget()
  }

  #stateOfAborted(): JobState {
    return this.#isStopping ? 'stopped' : 'cancelled'
  }

  #forget(): void {
    const ended = [...this.#jobs.values()].filter(({ state }) => state !== 'running')
    for (const { facts } of ended.slice(0, -MAX_ENDED)) this.#jobs.delete(facts.id)
  }

  #job(namespace: string, id: string): Job {
    const job = this.#jobs.get(id)
    if (job?.facts.namespace === namespace) return job
    const message = `this process runs no job ${JSON.stringify(id.slice(0, 80))} of namespace ${namespace}, and remembers none`
    throw new EventingError({ code: 'JOB_UNKNOWN', id }, message)
  }
}

function viewOf({ facts, tally, state, startedAt, endedAt, error }: Job): JobView {
  return {
    ...facts,
    state,
    ...tally,
    startedAt: new Date(startedAt).toISOString(),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt).toISOString() }),
    ...(error !== undefined && { problem: problemOf(error) }),
  }
}

function problemOf(error: unknown): NonNullable<JobView['problem']> {
  const failure = failureOf(error)
  const detail = failure.code === 'INTERNAL' ? 'internal error' : (error as Error).message
  return { code: failure.code, detail, ...('oldest' in failure && { oldest: failure.oldest }) }
}

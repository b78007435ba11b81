import type { Percentiles } from './latencies.ts'
import type { Pacing } from './pace.ts'

/** One measurement, as the generator process is told to make it. */
export interface Job {
  /** Where events are posted; ignored when pacing is `watch`. */
  readonly url: string
  readonly connections: number
  readonly pacing: Pacing
  readonly bodyBytes: number
  /** Where the sink reports arrivals; absent: only the 202s count. */
  readonly feedPort?: number | undefined
  /** The process under test, or the first of several. */
  readonly pid: number
  /** All processes under test by role, where there are several: their costs are told apart, and added up. */
  readonly parts?: Readonly<Record<string, readonly number[]>> | undefined
  readonly sinkPid: number
  readonly warmupMs: number
  /** At most; `events` may end it sooner. */
  readonly measureMs: number
  /** Stop once so many are through (arrived, or accepted where nothing arrives), warm-up included. */
  readonly events?: number | undefined
}

export interface Measure {
  /** Events through per second: arrived at the sink, or accepted where there is none. */
  readonly rate: number
  /** User and system time of the processes under test per event. */
  readonly cpuUs: number
  /** The same by role. */
  readonly partsUs: Readonly<Record<string, number>>
  /** Of the generator itself, per event. */
  readonly generatorUs: number
  /** Milliseconds from the scheduled send to the 202. */
  readonly ack: Percentiles
  /** Milliseconds from the scheduled send to the arrival at the sink. */
  readonly arrival: Percentiles
  readonly events: number
  /** Answers other than 202 and broken connections, in the window. */
  readonly errors: number
  readonly rssMb: number
  /** Processors kept busy by neither generator, sink nor the process under test: how quiet the machine was. */
  readonly others: number
}

import { createInstruments, type Instruments } from './instruments.ts'
import { createLogger, type LogLevel, type LogTo } from './log.ts'
import type { TraceSdk } from './preload.ts'
import type { Telemetry } from './telemetry.ts'

/** The telemetry of one service. Disposing flushes what an SDK still holds, for at most two seconds. */
export interface ServiceTelemetry extends Telemetry, AsyncDisposable {
  readonly instruments: Instruments
}

export interface TelemetryOptions {
  readonly service: string
  readonly logLevel: LogLevel
  /** Default: stderr. */
  readonly logTo?: LogTo
  /** What `preload` gave; undefined: no traces, and nothing of OpenTelemetry is loaded. */
  readonly sdk?: TraceSdk | undefined
}

export function createTelemetry(options: TelemetryOptions): ServiceTelemetry {
  const instruments = createInstruments()
  const { sdk } = options
  if (sdk !== undefined) instruments.attach(sdk.meter, { histograms: true })
  return {
    log: createLogger(options),
    counter: instruments.counter,
    histogram: instruments.histogram,
    gauge: instruments.gauge,
    startSpan: sdk?.startSpan,
    instruments,
    [Symbol.asyncDispose]: async () => sdk?.shutdown(),
  }
}

import { createInstruments } from './instruments.ts'
import type { LogLevel } from './log.ts'
import type { Labels, Logger, Telemetry } from './telemetry.ts'

export interface LoggedLine {
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface TestTelemetry extends Telemetry {
  /** Everything logged, in order. */
  readonly lines: readonly LoggedLine[]
  /** What a counter or gauge shows, or how often a histogram was fed: summed over the label sets that include `labels`. */
  read(name: string, labels?: Labels): number
}

/** Telemetry that remembers. Nothing is written anywhere; traces are off. */
export function createTestTelemetry(): TestTelemetry {
  const lines: LoggedLine[] = []
  const instruments = createInstruments()
  const at = (level: LogLevel) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } })
  }
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return {
    log,
    counter: instruments.counter,
    histogram: instruments.histogram,
    gauge: instruments.gauge,
    startSpan: undefined,
    lines,
    read: (name, labels = {}) =>
      readings(instruments, name)
        .filter((reading) => Object.entries(labels).every(([key, value]) => reading.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0),
  }
}

function readings(
  instruments: ReturnType<typeof createInstruments>,
  name: string,
): { value: number; labels: Labels }[] {
  const found = [...instruments.all()].find((instrument) => instrument.name === name)
  if (found === undefined) return []
  if (found.kind === 'gauge') {
    return [...found.reads].flatMap((read) => [...read()]).map(({ value, labels = {} }) => ({ value, labels }))
  }
  if (found.kind === 'counter') return [...found.cells.all()]
  return [...found.cells.all()].map(({ count, labels }) => ({ value: count, labels }))
}

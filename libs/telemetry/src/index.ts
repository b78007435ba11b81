export type { Counter, Histogram, InstrumentOptions, Labels, Logger, Reading, Span, Telemetry } from './telemetry.ts'

/** Label values are few and known beforehand: never an id, a path or a text. */
export type Labels = Readonly<Record<string, string | number>>

/** One JSON line per call: a static message, the facts in fields. Never a secret, never event data. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A sum that only rises. `add` on a bound counter is a plain addition: the exporter reads, the hot path never calls it. */
export interface Counter {
  add(count: number, labels?: Labels): void
  bind(labels: Labels): { add(count: number): void }
}

export interface Histogram {
  record(value: number, labels?: Labels): void
}

export interface InstrumentOptions {
  readonly description: string
  readonly unit?: string
}

export interface Reading {
  readonly value: number
  readonly labels?: Labels
}

/** Trace context as it travels in headers; undefined when tracing is off. */
export interface Span {
  setStatus(status: number): void
  /** W3C `traceparent` of this span, for the next hop. */
  readonly traceparent: string
  end(error?: unknown): void
}

export interface Telemetry {
  readonly log: Logger
  counter(name: string, options: InstrumentOptions): Counter
  /** `buckets` are upper bounds in the unit of the instrument. */
  histogram(name: string, options: InstrumentOptions & { readonly buckets?: readonly number[] }): Histogram
  /** `read` is called at each scrape; disposing stops it. */
  gauge(name: string, options: InstrumentOptions, read: () => Iterable<Reading>): Disposable
  /** Undefined unless a trace SDK was loaded, so that the hot path pays one comparison. */
  readonly startSpan:
    | ((name: string, kind: 'server' | 'client', traceparent: string | undefined, attributes: Labels) => Span)
    | undefined
}

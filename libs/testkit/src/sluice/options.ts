import type { Sink, SinkAnswer, SinkRequest } from '../sink.ts'

/**
 * How a sink answers: always the same, one answer per request with the last one from then on, or by what came.
 * `hang` and `delayMs` last in virtual time.
 */
export type Script =
  | SinkAnswer
  | readonly SinkAnswer[]
  | ((request: SinkRequest, n: number) => SinkAnswer | Promise<SinkAnswer>)

/** Manifests as text, as an object, or as many of either; a text of one line names a file or a folder. */
export type ManifestsGiven = string | object | readonly (string | object)[]

export interface SluiceOptions {
  /** Given the addresses of the sinks by name, where it is a function. */
  readonly manifests: ManifestsGiven | ((urls: Readonly<Record<string, string>>) => ManifestsGiven)
  /** By `name` (of namespace `default`) or `namespace/name`: Services that manifests refer to, each with its script. */
  readonly sinks?: Readonly<Record<string, Script>>
  /** Where time begins, ms since the epoch; default 2026-01-01T00:00:00Z. */
  readonly startsAt?: number
  /** For the jitter of back-offs, in [0, 1); default 0, so that a wait is exactly what the policy says. */
  readonly random?: () => number
}

/** One CloudEvent to send: attributes by name, data as JSON, text or bytes. */
export interface EventGiven {
  readonly id?: string
  readonly source?: string
  readonly type?: string
  readonly data?: unknown
  readonly [attribute: string]: unknown
}

/** What the ingress said. `problem` is its `application/problem+json`. */
export interface Sent {
  readonly status: number
  readonly problem?: { readonly code: string; readonly detail: string }
}

/** An event that was parked, with what is known of why. */
export interface ParkedEvent {
  /** `namespace/name` of the Trigger; the broker's, where filtering itself failed. */
  readonly trigger: string
  readonly reason: string
  /** The number of its last attempt, as its stage (subscriber or dead letter sink) counts them. */
  readonly attempt: number
  /** ms since the epoch. */
  readonly parkedAt: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** A Sluice in this process, whose time stands still until it is told. */
export interface Sluice extends AsyncDisposable {
  /** Of the ingress, for clients of your own. Their events are stored as time moves. */
  readonly url: string
  /** Now, ms since the epoch. */
  now(): number
  /** The sink of that name. Throws CONFIG_INVALID for one that was not asked for. */
  sink(name: string): Sink
  /**
   * Posts to a broker, default `default/default`. Resolves once what can happen without waiting has happened. Storing
   * takes a few virtual milliseconds. Don't await it within the script of a sink.
   */
  send(event: EventGiven, broker?: string): Promise<Sent>
  /** Moves time on, by milliseconds or an ISO 8601 duration (`PT1H`, `P1D`), and lets happen what falls due. */
  advance(time: number | string): Promise<void>
  /** Replaces all manifests, as an edit of the folder does. Rejects with MANIFESTS_INVALID, and then changes nothing. */
  apply(manifests: ManifestsGiven): Promise<void>
  /** What is parked, of one Trigger (`name` or `namespace/name`) or of all, oldest first. */
  parked(trigger?: string): Promise<readonly ParkedEvent[]>
  /** Warnings and errors logged so far. */
  readonly complaints: readonly string[]
}

import type { RunningProcess } from '@sluice/testkit'
import type { Held } from '../scenario/verdict.ts'

/** `killed twice`: again while it starts. `stopped`: SIGTERM. `paused`: SIGSTOP, and on. */
export type Blow = 'killed' | 'killed twice' | 'stopped' | 'paused'

/** One process of an installation that can be hit. */
export interface Part {
  readonly name: string
  /** How often it is hit against the others. */
  readonly weight: number
  /** Blows after which deliveries may be made again. */
  readonly repeatsAfter: readonly Blow[]
  /** An end that came so long before one of these may not have been stored. */
  readonly uncommittedMs: number
  /** Resolves once it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** On the same ports and folders, after `kill`; resolves once it is ready. */
  start(): Promise<void>
  /** Starts it and kills it outright after `ms`, ready or not. */
  startDoomed(ms: number): Promise<void>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
}

/** The same scenario's installation in one of its forms. */
export interface Layout extends AsyncDisposable {
  readonly name: string
  /** Each an ingress. */
  readonly ingressUrls: readonly string[]
  /** Of each group one part at a time is hit, and is back before the next. */
  readonly groups: readonly (readonly Part[])[]
  /** Stops every process in order and says what they leave in the store. Rejects when one does not end in order. */
  stop(): Promise<Held>
  /** After `stop`. */
  start(): Promise<void>
  /** What each process wrote, those that are gone included; the last of it where it is long. */
  logs(): ReadonlyMap<string, string>
}

export interface LayoutOptions {
  readonly manifests: string
}

/** Kept of what a process wrote: the last of it, over all its lives. */
const KEEP_LOG = 4 * 1024 * 1024

/** What a process wrote over several lives. */
export class Log {
  #text = ''

  add({ stdout, stderr, pid }: Pick<RunningProcess, 'stdout' | 'stderr' | 'pid'>): void {
    this.#text = `${this.#text}--- pid ${pid}\n${stdout()}${stderr()}`.slice(-KEEP_LOG)
  }

  toString(): string {
    return this.#text
  }
}

import type { Change } from './entry.ts'
import type { StoreEvents } from './events.ts'
import { writeFailure } from './faults.ts'
import { type Link, StoreError } from './link.ts'
import type { Compaction, Row } from './protocol.ts'
import { serviceUnavailable } from './refusals.ts'

const ROWS_OF_A_COMMIT = 1_000

interface Batch {
  readonly changes: Change[]
  readonly rows: Row[]
  readonly done: PromiseWithResolvers<void>
}

interface CommitterDeps {
  readonly link: Link
  /** Of a batch that is on disk, in order. Throws nothing. */
  apply(change: Change): void
  /** What is on its way will not get there: nothing counts but what is on disk. */
  forgetPending(): void
  readonly events: StoreEvents
}

/** Group commit: one transaction and one fsync at a time, holding what came in during the one before. */
export class Committer {
  readonly #deps: CommitterDeps
  #collecting: Batch | undefined
  #inFlight: Batch | undefined
  #compaction: { upTo: number; readonly rows: number[] } | undefined
  #isScheduled = false

  constructor(deps: CommitterDeps) {
    this.#deps = deps
  }

  /** Resolves once the changes are on disk and told to who watches. */
  submit(changes: readonly Change[], rows: readonly Row[]): Promise<void> {
    this.#collecting ??= { changes: [], rows: [], done: Promise.withResolvers() }
    const batch = this.#collecting
    batch.changes.push(...changes)
    batch.rows.push(...rows)
    batch.done.promise.catch(() => undefined)
    this.#schedule()
    return batch.done.promise
  }

  /** Resolves once everything submitted is on disk, rejects when it is not. */
  settled(): Promise<void> {
    return (this.#collecting ?? this.#inFlight)?.done.promise ?? Promise.resolve()
  }

  /** Rides along with a commit. A compaction that is lost is made again after the next start. */
  compact(compaction: Compaction): void {
    this.#compaction ??= { upTo: 0, rows: [] }
    this.#compaction.upTo = compaction.upTo
    for (const row of compaction.rows) this.#compaction.rows.push(row)
    // so many are worth a commit of their own
    if (this.#compaction.rows.length > ROWS_OF_A_COMMIT) void this.submit([], []).catch(() => undefined)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight !== undefined) return
    this.#isScheduled = true
    this.#deps.link.defer(() => {
      this.#isScheduled = false
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const batch = this.#collecting
    if (batch === undefined || this.#inFlight !== undefined) return
    this.#collecting = undefined
    this.#inFlight = batch
    const compaction = this.#compaction
    this.#compaction = undefined
    try {
      await this.#deps.link.ask({ op: 'commit', rows: batch.rows, compaction })
    } catch (error) {
      this.#inFlight = undefined
      if (compaction !== undefined) this.#giveBack(compaction)
      return this.#fail(batch, error)
    }
    this.#inFlight = undefined
    this.#deps.events.stored(batch.changes.length)
    for (const change of batch.changes) this.#deps.apply(change)
    batch.done.resolve()
    if (this.#collecting !== undefined) this.#schedule()
  }

  #giveBack(compaction: Compaction): void {
    const later = this.#compaction as Compaction | undefined
    this.#compaction = { upTo: later?.upTo ?? compaction.upTo, rows: [...compaction.rows, ...(later?.rows ?? [])] }
  }

  /** What came in meanwhile was judged by what now is not stored, so it fails as well. */
  #fail(batch: Batch, error: unknown): void {
    const failure =
      error instanceof StoreError
        ? writeFailure(error.fault)
        : serviceUnavailable(`nothing was stored: ${String(error)}`)
    const later = this.#collecting
    this.#collecting = undefined
    this.#deps.forgetPending()
    this.#deps.events.notStored(failure.message)
    batch.done.reject(failure)
    later?.done.reject(failure)
  }
}

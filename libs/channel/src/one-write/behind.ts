import type { Clock } from '@sluice/clock'
import type { Backlog, Entry, Position } from '../port.ts'
import type { LocalQueue } from './queue.ts'

export interface BehindDeps {
  readonly clock: Clock
  readonly lanes: number
  readonly store: (entry: Entry) => Promise<Position>
  readonly backlog: (queue: string) => Promise<Backlog>
}

/** What is written, and what is known of what waits in the store: nothing may overtake it in its lane. */
export class Behind {
  readonly #deps: BehindDeps
  /** What was published before anybody kept count is stored, or refused. */
  #before: Promise<unknown>

  constructor(deps: BehindDeps, before: Promise<unknown>) {
    this.#deps = deps
    this.#before = before
  }

  restart(before: Promise<unknown>): void {
    this.#before = before
  }

  /** Publishes once it is known whether anything older waits in the store; who comes meanwhile goes in order. */
  once(queue: LocalQueue, publish: () => Promise<Position>): Promise<Position> {
    return new Promise((resolve) => {
      queue.arriving.push(() => {
        const published = publish()
        resolve(published)
        return published
      })
      if (!queue.isAsking) void this.#learn(queue)
    })
  }

  async #learn(queue: LocalQueue): Promise<void> {
    queue.isAsking = true
    let before: Promise<unknown>
    do {
      before = this.#before
      await before
      if (await this.#mayHold(queue.name)) {
        for (let lane = 0; lane < this.#deps.lanes; lane++) queue.behind.set(lane, null)
      }
    } while (before !== this.#before)
    queue.isAsking = false
    queue.isKnown = true
    void arrive(queue)
  }

  #mayHold(name: string): Promise<boolean> {
    return this.#deps.backlog(name).then(
      ({ events }) => events > 0,
      () => true,
    )
  }

  /** Writes an entry with a key. What is published to its lane from now on comes after it, if it is due. */
  write(queue: LocalQueue, entry: Entry, lane: number): Promise<Position> {
    if (isDue(entry, this.#deps.clock.now())) queue.behind.set(lane, entry.dedupKey as string)
    return this.#deps.store(entry)
  }
}

/** May be handed out at once. */
export function isDue(entry: Entry, now: number): boolean {
  return entry.parked === undefined && (entry.notBefore ?? 0) <= now
}

/** Lets go on what came while the store was asked. */
export function arrive(queue: LocalQueue): Promise<Position>[] {
  return queue.arriving.splice(0).map((publish) => publish())
}

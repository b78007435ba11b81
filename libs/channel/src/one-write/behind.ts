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

  /** Asks once whether anything older waits in the store. Who publishes meanwhile goes on in order. */
  learn(queue: LocalQueue): Promise<void> {
    if (queue.learning !== undefined) return queue.learning
    queue.learning = this.#ask(queue)
    void queue.learning.then(() => {
      queue.isKnown = true
      queue.learning = undefined
    })
    return queue.learning
  }

  async #ask(queue: LocalQueue): Promise<void> {
    await this.#before
    queue.behind.clear()
    const isEmpty = await this.#deps.backlog(queue.name).then(
      ({ events }) => events === 0,
      () => false,
    )
    if (isEmpty) return
    for (let lane = 0; lane < this.#deps.lanes; lane++) if (!queue.behind.has(lane)) queue.behind.set(lane, null)
  }

  /** Writes an entry with a key. What is published to its lane from now on comes after it, once it is due. */
  async write(queue: LocalQueue, entry: Entry, lane: number): Promise<Position> {
    const isDue = entry.parked === undefined && (entry.notBefore ?? 0) <= this.#deps.clock.now()
    if (isDue) queue.behind.set(lane, entry.dedupKey as string)
    try {
      return await this.#deps.store(entry)
    } catch (error) {
      queue.isKnown = false
      throw error
    }
  }
}

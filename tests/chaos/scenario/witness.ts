/** One request as the subscriber saw it; times are monotonic milliseconds of the test. */
export interface Visit {
  readonly at: number
  /** When it was answered or torn down; Infinity while it is open. */
  endedAt: number
  status: number | 'reset' | undefined
}

export type Stage = 'subscriber' | 'dead-letter-sink'

/** Everything that came to one address, in order of arrival. */
export class Arrivals {
  readonly ids: string[] = []
  readonly visits = new Map<string, Visit[]>()

  /** Adds a visit and says which one of this id it is, from 0. */
  add(id: string, visit: Visit): number {
    this.ids.push(id)
    const earlier = this.visits.get(id)
    if (earlier === undefined) this.visits.set(id, [visit])
    else earlier.push(visit)
    return (earlier?.length ?? 1) - 1
  }

  isTaken(id: string): boolean {
    return this.visits.get(id)?.some(({ status }) => typeof status === 'number' && status < 300) === true
  }
}

/** What subscribers and dead letter sinks saw, by trigger. */
export class Witness {
  readonly #arrivals = new Map<string, Arrivals>()
  /** Of the last request, whoever got it. */
  lastAt = 0

  at(stage: Stage, trigger: string): Arrivals {
    const key = `${stage}/${trigger}`
    let arrivals = this.#arrivals.get(key)
    if (arrivals === undefined) {
      arrivals = new Arrivals()
      this.#arrivals.set(key, arrivals)
    }
    return arrivals
  }
}

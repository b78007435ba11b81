import { setImmediate } from 'node:timers/promises'
import type { ChannelDriver } from '@sluice/channel'
import { EventingError } from '@sluice/errors'
import type { Outgoing, Sender } from '@sluice/sender'
import type { Sink } from '../sink.ts'

/** Turns of the event loop in which nothing is under way: then nothing will be, until time moves. */
const CALM_TURNS = 3
/** Of real time; a sink answers within a millisecond or two, a server of the user's own as fast as it can. */
const PATIENCE_MS = 10_000

/**
 * Knows when virtual time may move: when each request under way waits for time itself, in the script of a sink or in
 * the store. Requests are real HTTP and take real time, in which virtual time stands still.
 */
export class Pace {
  /** Under way, by where they go. */
  readonly #requests = new Map<string, number>()
  #storing = 0
  readonly #sinks: () => Iterable<Pick<Sink, 'held'>>

  constructor(sinks: () => Iterable<Pick<Sink, 'held'>>) {
    this.#sinks = sinks
  }

  /** Counts as under way until it settles. */
  async during<T>(to: string, request: Promise<T>): Promise<T> {
    this.#requests.set(to, (this.#requests.get(to) ?? 0) + 1)
    try {
      return await request
    } finally {
      const left = (this.#requests.get(to) ?? 1) - 1
      if (left === 0) this.#requests.delete(to)
      else this.#requests.set(to, left)
    }
  }

  /** The same dispatcher's requests, counted. */
  counted(sender: Sender): Outgoing {
    return {
      adopt: (endpoint) => sender.adopt(endpoint),
      forget: (endpoint) => sender.forget(endpoint),
      post: (endpoint, request) => this.during(endpoint.url, sender.post(endpoint, request)),
      abort: () => sender.abort(),
      [Symbol.asyncDispose]: () => sender[Symbol.asyncDispose](),
    }
  }

  /** The driver of an ingress: a request that waits for it waits for time. */
  storing(driver: ChannelDriver): ChannelDriver {
    return Object.assign(Object.create(driver) as ChannelDriver, {
      publish: async (...given: Parameters<ChannelDriver['publish']>) => {
        this.#storing += 1
        try {
          return await driver.publish(...given)
        } finally {
          this.#storing -= 1
        }
      },
    })
  }

  /** Resolves when nothing happens any more without time. Rejects with INTERNAL after 10 s of real time. */
  readonly quiet = async (): Promise<void> => {
    const since = performance.now()
    for (let calm = 0; calm < CALM_TURNS; ) {
      await setImmediate()
      calm = this.#isBusy() ? 0 : calm + 1
      if (performance.now() - since > PATIENCE_MS) throw this.#tooLong()
    }
  }

  #isBusy(): boolean {
    let waiting = this.#storing
    for (const { held } of this.#sinks()) waiting += held
    let requests = 0
    for (const count of this.#requests.values()) requests += count
    return requests > waiting
  }

  #tooLong(): EventingError {
    const to = [...this.#requests.keys()].join(', ')
    const text = `no answer within ${PATIENCE_MS} ms of real time from ${to}: virtual time can't move while a request is under way`
    return new EventingError({ code: 'INTERNAL' }, text)
  }
}

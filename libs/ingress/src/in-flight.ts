import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '@sluice/clock'

/** One request from its headers to its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Undefined when it is empty, or not read yet. */
  body: Buffer | undefined
  /** Monotonic time at which the channel was asked to store; undefined before. */
  storingSince: number | undefined
  /** The answer was given: by whoever sets it, and by nobody else. */
  isAnswered: boolean
  next: Exchange | undefined
  previous: Exchange | undefined
}

export interface InFlightDeps {
  readonly clock: Clock
  /** A channel that has not answered by then is given up. */
  readonly storeTimeoutMs: number
  readonly giveUp: (exchange: Exchange) => void
}

/** The requests that run. A linked list, and one timer for all: entering and leaving costs next to nothing. */
export interface InFlight {
  enter(request: IncomingMessage, response: ServerResponse): Exchange
  /** Repeats are free. */
  leave(exchange: Exchange): void
  /** The answer still to come on this connection to the last complete request, if any. */
  pendingOn(socket: Duplex): ServerResponse | undefined
  /** Resolves as soon as nothing runs. */
  idle(): Promise<void>
}

export function trackInFlight({ clock, storeTimeoutMs, giveUp }: InFlightDeps): InFlight {
  let newest: Exchange | undefined
  let armed = false
  let emptied: PromiseWithResolvers<void> | undefined

  const sweep = () => {
    armed = false
    const expired = clock.monotonic() - storeTimeoutMs
    let exchange = newest
    while (exchange !== undefined) {
      const { previous } = exchange
      if (exchange.storingSince !== undefined && exchange.storingSince <= expired) giveUp(exchange)
      exchange = previous
    }
    if (newest !== undefined) arm()
  }

  const arm = () => {
    armed = true
    clock.after(storeTimeoutMs / 10, sweep)
  }

  return {
    enter(request, response) {
      const exchange: Exchange = {
        request,
        response,
        body: undefined,
        storingSince: undefined,
        isAnswered: false,
        next: undefined,
        previous: newest,
      }
      if (newest !== undefined) newest.next = exchange
      newest = exchange
      if (!armed) arm()
      return exchange
    },
    leave(exchange) {
      const { next, previous } = exchange
      if (next === undefined && newest !== exchange) return
      if (next === undefined) newest = previous
      else next.previous = previous
      if (previous !== undefined) previous.next = next
      exchange.next = exchange.previous = undefined
      if (newest === undefined) emptied?.resolve()
    },
    pendingOn(socket) {
      for (let exchange = newest; exchange !== undefined; exchange = exchange.previous) {
        if (exchange.request.socket === socket && exchange.request.complete) return exchange.response
      }
      return undefined
    },
    idle() {
      if (newest === undefined) return Promise.resolve()
      emptied ??= Promise.withResolvers<void>()
      return emptied.promise
    },
  }
}

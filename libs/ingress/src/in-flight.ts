import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '@sluice/clock'
import { type Linked, LinkedList } from '@sluice/linked-list'

/** One request from its headers to its answer. */
export interface Exchange extends Linked<Exchange> {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Undefined when it is empty, or not read yet. */
  body: Buffer | undefined
  /** Monotonic time at which the channel was asked to store; undefined before. */
  storingSince: number | undefined
  /** The answer was given: by whoever sets it, and by nobody else. */
  isAnswered: boolean
}

export interface InFlightDeps {
  readonly clock: Clock
  /** A channel that has not answered by then is given up. */
  readonly storeTimeoutMs: number
  readonly giveUp: (exchange: Exchange) => void
}

/** The requests that run. One timer for all: entering and leaving costs next to nothing. */
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
  const running = new LinkedList<Exchange>()
  let armed = false
  let emptied: PromiseWithResolvers<void> | undefined

  const sweep = () => {
    armed = false
    const expired = clock.monotonic() - storeTimeoutMs
    for (const exchange of running) {
      if (exchange.storingSince !== undefined && exchange.storingSince <= expired) giveUp(exchange)
    }
    if (running.size > 0) arm()
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
        previous: undefined,
      }
      running.append(exchange)
      if (!armed) arm()
      return exchange
    },
    leave(exchange) {
      if (running.remove(exchange) && running.size === 0) emptied?.resolve()
    },
    pendingOn(socket) {
      let pending: ServerResponse | undefined
      for (const { request, response } of running) {
        if (request.socket === socket && request.complete) pending = response
      }
      return pending
    },
    idle() {
      if (running.size === 0) return Promise.resolve()
      emptied ??= Promise.withResolvers<void>()
      return emptied.promise
    },
  }
}

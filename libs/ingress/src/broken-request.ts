import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { refuse } from './answer.ts'
import type { IngressEvents } from './events.ts'
import { problemBytes, problemOf } from './problem.ts'

export interface BrokenRequestsDeps {
  readonly clock: Clock
  readonly events: Pick<IngressEvents, 'refused'>
  /** The answer still to come on this connection for a request that came before, if any. */
  readonly pendingOn: (socket: Duplex) => ServerResponse | undefined
  readonly answeredEarly: AnsweredEarly
  readonly lingerMs: number
  readonly maxHeaderBytes: number
}

/** Per connection the last answer that was given before its request was there as a whole. */
export type AnsweredEarly = WeakMap<Duplex, ServerResponse>

/** Answers what never becomes a request, then ends the connection. */
export interface BrokenRequests {
  /** What the HTTP parser or a timeout refuses: 400, 408, 431. A socket that is gone gets nothing. */
  onClientError(error: NodeJS.ErrnoException, socket: Duplex): void
  onConnect(socket: Duplex): void
  /** Only `100-continue` can be met. RFC 9110 §10.1.1. */
  onExpectation(request: IncomingMessage, response: ServerResponse): void
}

export function brokenRequests(deps: BrokenRequestsDeps): BrokenRequests {
  const ending = new WeakSet<Duplex>() // the parser reports again for whatever else comes in

  const endWith = (failure: EventingError, socket: Duplex) => {
    if (ending.has(socket)) return
    ending.add(socket)
    const early = deps.answeredEarly.get(socket)
    if (early !== undefined && !early.req.complete) {
      endAfter(early.writableFinished ? undefined : early, socket) // what broke has its answer: a second would be the next one's
      return
    }
    const problem = problemOf(failure)
    deps.events.refused(problem.code)
    endAfter(deps.pendingOn(socket), socket, problemBytes(problem))
  }

  const endAfter = (pending: ServerResponse | undefined, socket: Duplex, answer = '') => {
    const end = () => {
      if (socket.writable) socket.end(answer)
      deps.clock.after(deps.lingerMs, () => socket.destroy()) // closing at once could lose the answer
    }
    if (pending) pending.once('finish', end)
    else end()
  }

  return {
    onClientError(error, socket) {
      if (error.code === 'HPE_CLOSED_CONNECTION') return // sent after `Connection: close`: not a request, no answer
      if (error.code === 'ECONNRESET' || socket.destroyed) socket.destroy()
      else endWith(failureFor(error, deps.maxHeaderBytes), socket)
    },
    onConnect(socket) {
      socket.on('error', () => socket.destroy())
      const message = 'CONNECT is not supported here; send events by POST'
      endWith(new EventingError({ code: 'METHOD_NOT_ALLOWED', method: 'CONNECT' }, message), socket)
    },
    onExpectation(request, response) {
      const expectation = String(request.headers.expect)
      const message = `Expect ${JSON.stringify(expectation)} is not supported; only 100-continue is`
      const problem = problemOf(new EventingError({ code: 'EXPECTATION_UNSUPPORTED', expectation }, message))
      deps.events.refused(problem.code)
      if (!request.complete) deps.answeredEarly.set(request.socket, response)
      refuse(request, response, problem, { close: true, clock: deps.clock, lingerMs: deps.lingerMs })
    },
  }
}

function failureFor({ code = 'unknown' }: NodeJS.ErrnoException, maxBytes: number): EventingError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new EventingError({ code: 'REQUEST_TIMEOUT' }, 'the request was not complete in time')
    case 'HPE_HEADER_OVERFLOW': {
      const message = `the headers have more than ${maxBytes} bytes; use structured mode for large attributes`
      return new EventingError({ code: 'HEADERS_TOO_LARGE', maxBytes }, message)
    }
    default:
      return new EventingError({ code: 'REQUEST_MALFORMED', problem: code }, `this is not HTTP/1.1 (${code})`)
  }
}

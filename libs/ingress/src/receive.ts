import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Span, Telemetry } from '@sluice/telemetry'
import { checkPath, hostsOf, notAtRoot, pathOf } from './address.ts'
import { accept, preflight, refuse } from './answer.ts'
import type { AnsweredEarly } from './broken-request.ts'
import type { Brokers } from './brokers.ts'
import { announcedBytes, checkCoding, checkMethod, maxBodyBytes } from './check-request.ts'
import type { IngressEvents } from './events.ts'
import type { Exchange, InFlight } from './in-flight.ts'
import type { Destination, KeepDeps } from './keep.ts'
import { keep } from './keep.ts'
import { problemOf } from './problem.ts'
import { readBody } from './read-body.ts'

export interface ReceiveDeps extends KeepDeps {
  readonly inFlight: InFlight
  readonly clock: Clock
  readonly events: IngressEvents
  readonly startSpan: Telemetry['startSpan']
  readonly isDraining: () => boolean
  readonly answeredEarly: AnsweredEarly
  readonly maxEventBytes: number
  /** Bound of any body, whatever the content mode allows. */
  readonly maxBodyBytes: number
  /** How long a client that is refused while it sends may take to read the answer. */
  readonly lingerMs: number
}

/**
 * Takes one request to its answer. Never rejects for what a client or the channel does.
 *
 *   headers ──► body ──► events ──► address ─► backlog ──► admission ──► channel ──► 202
 *   405 404     408 413  400        404 503    429         400 413       429 503
 *   400 415     429
 */
export async function receive(request: IncomingMessage, response: ServerResponse, deps: ReceiveDeps): Promise<void> {
  if (request.method === 'OPTIONS') {
    if (!request.complete) deps.answeredEarly.set(request.socket, response)
    preflight(response)
    return
  }
  const exchange = deps.inFlight.enter(request, response)
  const span = deps.startSpan && openSpan(request, deps.startSpan)
  let failure: unknown
  try {
    const { headers } = request
    checkMethod(request, headers)
    const url = request.url ?? ''
    const broker = deps.brokers.at(pathOf(url)) ?? byHost(url, headers.host, deps.brokers)
    if (broker === undefined) checkPath(url)
    checkCoding(headers)
    if (deps.isDraining()) throw draining()
    const maxBytes = Math.min(maxBodyBytes(headers, deps.maxEventBytes), deps.maxBodyBytes)
    const announced = announcedBytes(headers, maxBytes)
    if (headers.expect !== undefined) response.writeContinue()
    const isComplete = await readBody(request, exchange, { announced, maxBytes, memory: deps.memory })
    if (isComplete) await keep(exchange, { broker, traceparent: span?.traceparent }, deps)
    if (isComplete && !exchange.isAnswered) accept(response, deps.isDraining())
  } catch (error) {
    failure = error
    answerWith(error, exchange, deps)
  }
  deps.inFlight.leave(exchange)
  if (response.headersSent) span?.setStatus(response.statusCode)
  span?.end(response.statusCode >= 500 ? failure : undefined)
}

/** Answers with the problem, unless an answer was given. */
export function answerWith(
  error: unknown,
  exchange: Exchange,
  deps: Pick<ReceiveDeps, 'events' | 'clock' | 'lingerMs' | 'isDraining' | 'answeredEarly'>,
): void {
  const problem = problemOf(error)
  if (problem.status === 500) deps.events.failed(error)
  if (exchange.isAnswered) return
  exchange.isAnswered = true
  deps.events.refused(problem.code)
  const { request, response } = exchange
  if (!request.complete) deps.answeredEarly.set(request.socket, response)
  refuse(request, response, problem, {
    close: deps.isDraining() || problem.code === 'REQUEST_MALFORMED',
    clock: deps.clock,
    lingerMs: deps.lingerMs,
  })
}

/** A path that names something comes before any Host, so that what is sent to a broker costs no look at it. */
function byHost(url: string, host: string | undefined, brokers: Brokers): Destination['broker'] {
  if (!brokers.hasHosts()) return undefined
  for (const name of hostsOf(url, host)) {
    const channel = brokers.atHost(name)
    if (channel === undefined) continue
    if (pathOf(url) === '/' || pathOf(url) === '') return channel
    throw notAtRoot(url)
  }
  return undefined
}

function openSpan(request: IncomingMessage, startSpan: NonNullable<Telemetry['startSpan']>): Span {
  const { traceparent } = request.headers
  return startSpan(`${request.method} /{namespace}/{broker}`, 'server', asText(traceparent), {
    'http.request.method': request.method ?? '',
  })
}

function asText(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function draining(): EventingError {
  return new EventingError({ code: 'DRAINING' }, 'this ingress is being stopped; try again, another one will answer')
}

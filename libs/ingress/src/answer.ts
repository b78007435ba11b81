import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@sluice/clock'
import type { Problem } from './problem.ts'

const ACCEPTED = ['Allow', 'POST, OPTIONS', 'Content-Length', '0']
const CLOSE = ['Connection', 'close']
const PREFLIGHT = [...ACCEPTED, 'WebHook-Allowed-Origin', '*', 'WebHook-Allowed-Rate', '*']

/** A rest of this size is read to its end so that the connection can be used again. */
const MAX_REST_BYTES = 65_536
/** Discarded at most, of a body that was refused, before the connection is cut. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024

/** 202 with no body: the channel holds every event of the request. */
export function accept(response: ServerResponse, close: boolean): void {
  response.writeHead(202, close ? [...ACCEPTED, ...CLOSE] : ACCEPTED)
  response.end()
}

/** Consent to every origin and rate. Source: CloudEvents HTTP webhook §4, knative/eventing broker ingress. */
export function preflight(response: ServerResponse): void {
  response.writeHead(200, PREFLIGHT)
  response.end()
}

/**
 * Writes the problem. A client that is still sending a large body gets the whole answer at once, and `lingerMs` to read
 * it while the rest is discarded: closing at once would reset the connection and lose the answer.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  deps: { readonly close: boolean; readonly clock: Clock; readonly lingerMs: number },
): void {
  if (response.headersSent || response.destroyed || request.socket.destroyed) return
  const lingers = !request.complete && !hasSmallRest(request)
  response.writeHead(problem.status, [...problem.headers, ...(lingers || deps.close ? CLOSE : [])])
  if (!lingers) {
    response.end(problem.body)
    return
  }
  response.write(problem.body)
  let discarded = 0
  const finish = () => {
    timer[Symbol.dispose]()
    request.off('data', discard)
    response.end()
  }
  const discard = (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > MAX_DISCARDED_BYTES) finish()
  }
  const timer = deps.clock.after(deps.lingerMs, finish)
  request.on('data', discard)
  request.once('end', finish)
  request.once('close', finish)
}

function hasSmallRest(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return false
  return Number(request.headers['content-length'] ?? 0) <= MAX_REST_BYTES && request.headers.expect === undefined
}

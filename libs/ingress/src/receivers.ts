import type { IncomingMessage, ServerResponse } from 'node:http'

/** Takes the requests that are sent to sources: signed by others, and no CloudEvents. */
export interface Receivers {
  handle(request: IncomingMessage, response: ServerResponse): void
}

/** `/sources/<namespace>/<kind>/<name>`: four parts, so that a Broker of a namespace "sources" has its own. */
const RECEIVER = /^\/sources\/[^/?]+\/[^/?]+\/[^/?]+(\?|$)/

export function isReceiverPath(url = ''): boolean {
  return url.startsWith('/sources/') && RECEIVER.test(url)
}

import { createHash } from 'node:crypto'
import type { DeliveryRow, Target } from '@sluice/contract'

/** A target prepared once per row, so that a request costs no URL parsing and no header building. */
export interface Endpoint {
  /** As it appears in `knativeerrordest`: no credentials, a path at least `/`. */
  readonly url: string
  /** Undefined: not an HTTP address, every request to it fails. */
  readonly origin: string | undefined
  readonly path: string
  /** Flat pairs sent with every request. */
  readonly headers: readonly string[]
  /** An address of this installation: the event keeps its hop counter. */
  readonly internal: boolean
  readonly timeoutMs: number
  /** Names the connections it shares: those of its origin and authorities. */
  readonly pool: string
  /** PEM certificates trusted besides the system's; undefined: the system's alone. */
  readonly caCerts?: string | undefined
  /** In the JSON format instead of binary mode. */
  readonly isStructured: boolean
}

/** `Prefer: reply` goes to subscribers only. Source: knative/specs data-plane.md; knative/eventing event_dispatcher.go. */
export function endpointOf(
  target: Target,
  row: Pick<DeliveryRow, 'namespace'> & { readonly spec: Pick<DeliveryRow['spec'], 'timeoutMs' | 'format'> },
  role: 'subscriber' | 'dead-letter-sink' | 'reply' | 'ingress',
): Endpoint {
  const headers = ['kn-namespace', row.namespace]
  if (role === 'subscriber') headers.push('prefer', 'reply')
  const parts = {
    headers,
    internal: target.internal,
    timeoutMs: row.spec.timeoutMs,
    caCerts: target.caCerts,
    isStructured: row.spec.format === 'json',
  }
  const url = readAddress(target.url)
  if (url === undefined)
    return { ...parts, url: encodeURI(target.url.toWellFormed()), origin: undefined, path: '/', pool: '' }
  const { username, password, origin } = url
  if (username !== '' || password !== '') headers.push('authorization', basic(username, password))
  const path = url.pathname + url.search
  return { ...parts, url: origin + path, origin, path, pool: poolOf(origin, target.caCerts) }
}

function poolOf(origin: string, caCerts: string | undefined): string {
  return caCerts === undefined ? origin : `${origin} ${createHash('sha256').update(caCerts).digest('base64')}`
}

function readAddress(text: string): URL | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  return isDecodable(url.username) && isDecodable(url.password) ? url : undefined
}

/** False: percent signs that stand for no UTF-8. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function basic(username: string, password: string): string {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

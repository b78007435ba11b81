import type { IncomingHttpHeaders } from 'node:http'

/** What answers whoever asks. */
export const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/**
 * Why a request to the control port is refused, or undefined. On loopback there is no token, so a page in a browser
 * must not get through by a name it resolves to this machine (Host) or from another origin. Whoever comes from beyond
 * loopback gets probes only, or everything by TLS with the token, which no page has; a port-forward, or a shell in the
 * container, comes from within.
 */
export function refusal(
  request: {
    readonly headers: IncomingHttpHeaders
    readonly path: string
    readonly from: string | undefined
    /** It came by TLS and has the token. */
    readonly isTrusted?: boolean
  },
  listeningOn: string,
): string | undefined {
  if (request.isTrusted) return undefined
  if (!isLoopback(listeningOn)) {
    if (PROBES.has(request.path)) return undefined
    if (!isLoopback((request.from ?? '').replace(/^::ffff:/i, '')))
      return 'beyond loopback the control port answers probes only: ask from this machine, or through a port-forward, or where it has a certificate by https'
  }
  const { host = '', origin } = request.headers
  const name = hostName(host)
  if (!isLoopback(name) && name !== listeningOn) return 'the Host header names another machine'
  if (origin !== undefined && originHost(origin) !== host.toLowerCase())
    return 'requests from other origins are refused'
  return undefined
}

function hostName(host: string): string {
  return (/^\[([^\]]*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')).toLowerCase()
}

function originHost(origin: string): string | undefined {
  return URL.parse(origin)?.host
}

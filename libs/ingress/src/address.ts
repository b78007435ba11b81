import { EventingError } from '@sluice/errors'

const ABSOLUTE_FORM = /^https?:\/\/[^/?]*/i
const SCHEME = /^https?:\/\//i
const PORT = /\.?(:\d*)?$/
const SVC = '.svc'
const SLASH = 47

/**
 * The path a request names, less one trailing slash. It is compared as it was sent: nothing is decoded, and a query
 * string is part of the name, so that no broker is found by it. Source: knative/eventing broker ingress.
 */
export function pathOf(url: string): string {
  const path = originForm(url)
  return path.length > 1 && path.charCodeAt(path.length - 1) === SLASH ? path.slice(0, -1) : path
}

/**
 * The names a request's Host may have among the channels', best first: in lower case, without port and trailing dot, and
 * without `.svc` and what follows it. In absolute form the address names the host. Source: RFC 9112 §3.2.2.
 */
export function* hostsOf(url: string, header: string | undefined): Iterable<string> {
  const authority = url.charCodeAt(0) === SLASH ? header : ABSOLUTE_FORM.exec(url)?.[0].replace(SCHEME, '')
  if (authority === undefined) return
  const host = authority.toLowerCase().replace(PORT, '')
  yield host
  for (let end = host.indexOf(SVC); end > 0; end = host.indexOf(SVC, end + 1)) {
    if (end + SVC.length === host.length || host[end + SVC.length] === '.') yield host.slice(0, end)
  }
}

/** For an address that names nothing. `/` is BROKER_UNKNOWN; a path that is neither a broker's nor a channel's PATH_INVALID. */
export function checkPath(url: string): void {
  const path = originForm(url)
  if (path === '/' || path === '') throw brokerUnknown(path)
  const segments = pathOf(path).split('/')
  const [, first = ''] = segments
  if (segments.length === 3 || (segments.length === 5 && (first === 'channels' || first === 'source-logs'))) return
  throw new EventingError(
    { code: 'PATH_INVALID', path },
    'the path must be /<namespace>/<broker> or /channels/<namespace>/<kind>/<name>, with one trailing slash at most',
  )
}

/** By its Host a channel is at `/` and nowhere else. Source: knative/eventing multichannelfanout, channel conformance. */
export function notAtRoot(url: string): EventingError {
  const path = originForm(url)
  return new EventingError({ code: 'PATH_INVALID', path }, 'a channel that is addressed by its Host is at the path /')
}

export function brokerUnknown(path: string): EventingError {
  const hint = path.includes('?') ? '; a query string is not part of an address' : ''
  return new EventingError({ code: 'BROKER_UNKNOWN', path }, `there is no broker or channel at this address${hint}`)
}

function originForm(url: string): string {
  return url.charCodeAt(0) === SLASH ? url : url.replace(ABSOLUTE_FORM, '')
}

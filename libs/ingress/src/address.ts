import { EventingError } from '@sluice/errors'

const ABSOLUTE_FORM = /^https?:\/\/[^/?]*/i
const SLASH = 47

/**
 * The path a request names, less one trailing slash. It is compared as it was sent: nothing is decoded, and a query
 * string is part of the name, so that no broker is found by it. Source: knative/eventing broker ingress.
 */
export function pathOf(url: string): string {
  const path = originForm(url)
  return path.length > 1 && path.charCodeAt(path.length - 1) === SLASH ? path.slice(0, -1) : path
}

/** For a path that names no broker. `/` is BROKER_UNKNOWN; anything but two segments PATH_INVALID. */
export function checkBrokerPath(url: string): void {
  const path = originForm(url)
  if (path === '/' || path === '') throw brokerUnknown(path)
  if (pathOf(path).split('/').length === 3) return
  throw new EventingError(
    { code: 'PATH_INVALID', path },
    'the path must be /<namespace>/<broker>, with one trailing slash at most',
  )
}

export function brokerUnknown(path: string): EventingError {
  const hint = path.includes('?') ? '; a query string is not part of an address' : ''
  return new EventingError({ code: 'BROKER_UNKNOWN', path }, `there is no broker at this path${hint}`)
}

function originForm(url: string): string {
  return url.charCodeAt(0) === SLASH ? url : url.replace(ABSOLUTE_FORM, '')
}

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { EventingError } from '@sluice/errors'

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/**
 * Throws CONTRACT_UNAUTHORIZED without the token. Where none is asked for, which is on loopback only, CONTRACT_FORBIDDEN
 * for what a page in a browser could send: a foreign Host (a name that resolves to this machine), or an Origin.
 */
export function authenticate(headers: IncomingHttpHeaders, token: string | undefined): void {
  if (token !== undefined) {
    const [, given = ''] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? []
    if (isSame(given, token)) return
    throw new EventingError({ code: 'CONTRACT_UNAUTHORIZED' }, 'the bearer token is missing or wrong')
  }
  const name = URL.parse(`http://${headers.host ?? ''}`)?.hostname ?? ''
  const reason = !isLoopback(name)
    ? 'the Host header names another machine'
    : headers.origin !== undefined
      ? 'requests from pages are refused'
      : undefined
  if (reason !== undefined) throw new EventingError({ code: 'CONTRACT_FORBIDDEN', reason }, reason)
}

/** Throws CONTRACT_FORBIDDEN where what is answered could be read on its way. */
export function requirePrivate(from: string, isEncrypted: boolean): void {
  if (isEncrypted || isLoopback(from.replace(/^::ffff:/, ''))) return
  const reason = 'values of Secrets are given over TLS alone: set CONTROLLER_CERT and CONTROLLER_KEY at the controller'
  throw new EventingError({ code: 'CONTRACT_FORBIDDEN', reason }, reason)
}

/** Takes as long for a token that is wrong at the end as for one that is wrong at the start, or too short. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

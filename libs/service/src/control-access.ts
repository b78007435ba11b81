import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'
import { AUTHORITY, OURS } from './certificates.ts'
import { certified } from './certified-files.ts'
import { randomToken, textOf, unusable, write } from './secret-files.ts'

const TOKEN = /^[A-Za-z0-9_-]{20,}$/

/** What lets somebody in from beyond loopback: TLS with this certificate, and the token. */
export interface ControlAccess {
  /** PEM, as the others. */
  readonly certificate: string
  readonly key: string
  /** By which others know the certificate. */
  readonly authority: string
  readonly token: string
}

/**
 * Reads `control.crt`, `control.key` and `control.token` of the folder, or makes them, readable by their owner alone. A
 * certificate of one's own may be put there; a token too. The certificate that is made is for this machine's names and
 * addresses and `host`, and made anew when they change or it is about to end; its authority stays, and so does what was
 * handed out to clients. Rejects with DATA_DIR_UNUSABLE.
 */
export async function controlAccess(folder: string, host: string, now: number): Promise<ControlAccess> {
  const path = (name: string) => join(folder, `control.${name}`)
  try {
    await mkdir(folder, { recursive: true })
    const [certificate, key, given] = await Promise.all(['crt', 'key', 'token'].map((name) => textOf(path(name))))
    const token = given?.trim() || randomToken()
    if (!TOKEN.test(token)) throw unusable(folder, 'control.token must have 20 or more of A-Z a-z 0-9 - _')
    if (given === undefined) await write(path('token'), `${token}\n`)
    if (certificate !== undefined && key !== undefined && isOfOthers(certificate))
      return { certificate, key, authority: certificate, token }
    const files = { authority: [path('ca.key'), path('ca.crt')], served: [path('key'), path('crt')] } as const
    const { made: _, ...server } = await certified(files, namesOf(host), now)
    return { ...server, token }
  } catch (error) {
    if (error instanceof EventingError) throw error
    throw unusable(folder, error instanceof Error ? error.message : String(error), error)
  }
}

/** Whether a request's Authorization header has the token; takes as long for every wrong one. */
export function hasToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

function namesOf(host: string): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
  const isWildcard = host === '0.0.0.0' || host === '::'
  const names = ['localhost', hostname(), ...(isWildcard ? addresses : [host]), '127.0.0.1', '::1']
  return [...new Set(names.map((name) => name.replace(/%.*$/, '').toLowerCase()))]
}

/** One that somebody else signed is theirs to renew. Its own authority is one of before there was a common one. */
function isOfOthers(pem: string): boolean {
  const { issuer, subject } = new X509Certificate(pem)
  return issuer !== AUTHORITY && !(issuer === OURS && subject === OURS)
}

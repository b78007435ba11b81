import { createHash, randomBytes, timingSafeEqual, webcrypto, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'

const DAY_MS = 24 * 60 * 60_000
const VALID_DAYS = 3_650
/** Made anew when less is left of it. */
const RENEW_DAYS = 30
const TOKEN_BYTES = 32
const TOKEN = /^[A-Za-z0-9_-]{20,}$/
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** What lets somebody in from beyond loopback: TLS with this certificate, and the token. */
export interface ControlAccess {
  /** PEM; self-signed, so that it is its own authority. */
  readonly certificate: string
  readonly key: string
  readonly token: string
}

/**
 * Reads `control.crt`, `control.key` and `control.token` of the folder, or makes them, readable by their owner alone. A
 * certificate of one's own may be put there; a token too. The certificate that is made is for this machine's names and
 * addresses and `host`, and made anew when they change or it is about to end. Rejects with DATA_DIR_UNUSABLE.
 */
export async function controlAccess(folder: string, host: string, now: number): Promise<ControlAccess> {
  const path = (name: string) => join(folder, `control.${name}`)
  try {
    await mkdir(folder, { recursive: true })
    const [certificate, key, given] = await Promise.all(['crt', 'key', 'token'].map((name) => textOf(path(name))))
    const token = given?.trim() || randomBytes(TOKEN_BYTES).toString('base64url')
    if (!TOKEN.test(token)) throw unusable(folder, 'control.token must have 20 or more of A-Z a-z 0-9 - _')
    if (given === undefined) await write(path('token'), `${token}\n`)
    const names = namesOf(host)
    if (certificate !== undefined && key !== undefined && isUsable(certificate, names, now))
      return { certificate, key, token }
    const made = await selfSigned(names, now)
    await write(path('key'), made.key)
    await write(path('crt'), made.certificate)
    return { ...made, token }
  } catch (error) {
    if (error instanceof EventingError) throw error
    throw unusable(folder, error instanceof Error ? error.message : String(error), error)
  }
}

function unusable(dataDir: string, reason: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'DATA_DIR_UNUSABLE', dataDir, reason }, `${dataDir}: ${reason}`, { cause })
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

/** One that somebody else signed is theirs to renew. */
function isUsable(pem: string, names: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pem)
  if (certificate.issuer !== certificate.subject || certificate.subject !== 'CN=Sluice') return true
  const isFresh = Date.parse(certificate.validTo) - now > RENEW_DAYS * DAY_MS
  return isFresh && names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)))
}

/** The packages are big and rarely needed: loaded only here. */
async function selfSigned(names: readonly string[], now: number): Promise<Pick<ControlAccess, 'certificate' | 'key'>> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const alternatives = names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: 'CN=Sluice', keys, signingAlgorithm: ALGORITHM },
    ...{ notBefore: new Date(now - DAY_MS), notAfter: new Date(now + VALID_DAYS * DAY_MS) },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(alternatives),
    ],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all. */
async function write(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`
  const file = await open(unfinished, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
}

import { createPrivateKey, webcrypto, type X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Extension } from '@peculiar/x509'

const DAY_MS = 24 * 60 * 60_000
const YEAR_DAYS = 365
const VALID_DAYS = 10 * YEAR_DAYS
/** Made anew when less is left of one. */
const RENEW_DAYS = 30
/** So that it is there for every certificate that it signs. */
const AUTHORITY_DAYS = 5 * VALID_DAYS
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
export const AUTHORITY = 'CN=Sluice authority'
export const OURS = 'CN=Sluice'

/** PEM, both. */
export interface Certified {
  readonly certificate: string
  readonly key: string
}

export function endsSoon(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validTo) - now < RENEW_DAYS * DAY_MS
}

export function isFor(certificate: X509Certificate, names: readonly string[]): boolean {
  return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)))
}

/** What signs certificates and serves none. */
export async function authority(now: number): Promise<Certified> {
  return made({ subject: AUTHORITY, signer: 'itself', days: AUTHORITY_DAYS, now }, (x509) => [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ])
}

/** A certificate of that authority, given its key. */
export async function signedBy(key: string, names: readonly string[], now: number): Promise<Certified> {
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })
  const signer = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
  return made({ subject: OURS, signer, days: VALID_DAYS, now }, (x509) => [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ...forServers(x509, names),
  ])
}

type X509 = typeof import('@peculiar/x509')

function forServers(x509: X509, names: readonly string[]): Extension[] {
  const alternatives = names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))
  return [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(alternatives),
  ]
}

interface Wanted {
  readonly subject: string
  readonly signer: 'itself' | webcrypto.CryptoKey
  readonly days: number
  readonly now: number
}

/** The packages are big and rarely needed: loaded only here. */
async function made(
  { subject, signer, days, now }: Wanted,
  extensions: (x509: X509) => Extension[],
): Promise<Certified> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject, issuer: signer === 'itself' ? subject : AUTHORITY },
    ...{ publicKey: keys.publicKey, signingKey: signer === 'itself' ? keys.privateKey : signer },
    ...{ notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) },
    ...{ signingAlgorithm: ALGORITHM, extensions: extensions(x509) },
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  }
}

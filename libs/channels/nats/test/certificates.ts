import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

/** PEM texts, and the files that hold them: a server takes files. */
export interface Identity {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface Authority extends Disposable {
  readonly cert: string
  readonly certFile: string
  issue(name: string): Promise<Identity>
}

/** Signs certificates for 127.0.0.1 and localhost. Disposing removes its files. */
export async function createAuthority(name: string): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificates-'))
  const file = (path: string, text: string) => {
    writeFileSync(join(folder, path), text, { mode: 0o600 })
    return join(folder, path)
  }
  let serial = 1
  const sign = async (
    subject: string,
    extensions: Extension[],
    issuer?: { cert: X509Certificate; key: webcrypto.CryptoKey },
  ) => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const cert = await X509CertificateGenerator.create({
      serialNumber: (serial++).toString(16).padStart(2, '0'),
      subject: `CN=${subject}`,
      issuer: issuer?.cert.subject ?? `CN=${subject}`,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: issuer?.key ?? privateKey,
      extensions,
    })
    return { cert, key: privateKey }
  }
  const root = await sign(name, [new BasicConstraintsExtension(true, 0, true)])
  const cert = root.cert.toString('pem')
  return {
    cert,
    certFile: file('ca.pem', cert),
    async issue(subject) {
      const names = new SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ])
      const issued = await sign(subject, [names], root)
      const texts = {
        cert: issued.cert.toString('pem'),
        key: PemConverter.encode(await crypto.subtle.exportKey('pkcs8', issued.key), 'PRIVATE KEY'),
      }
      return {
        ...texts,
        certFile: file(`${subject}.pem`, texts.cert),
        keyFile: file(`${subject}.key.pem`, texts.key),
      }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

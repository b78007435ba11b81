import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates } from 'node:tls'
import { buildConnector } from 'undici'

const OPTIONS: buildConnector.BuildOptions = { allowH2: false, timeout: 10_000 }
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Connects over TLS, verified: by the system's authorities, or by those and what a target brings. One connector per bundle,
 * shared, so that TLS sessions are, and the authorities are read once (16 ms).
 */
export class Trust {
  readonly #system = buildConnector(OPTIONS)
  readonly #bundles = new Map<string, buildConnector.connector>()

  /** A bundle that can't be read fails each connection, and says so. */
  connector(caCerts: string | undefined): buildConnector.connector {
    if (caCerts === undefined) return this.#system
    let connector = this.#bundles.get(caCerts)
    if (connector === undefined) {
      connector = connectorOf(caCerts)
      this.#bundles.set(caCerts, connector)
    }
    return connector
  }

  /** No connection uses it any more. */
  forget(caCerts: string): void {
    this.#bundles.delete(caCerts)
  }
}

function connectorOf(caCerts: string): buildConnector.connector {
  const own = caCerts.match(CERTIFICATE) ?? []
  const problem = problemOf(own)
  if (problem === undefined) {
    return buildConnector({
      ...OPTIONS,
      secureContext: createSecureContext({ ca: [...getCACertificates('default'), ...own] }),
    })
  }
  const failure = new TypeError(`the CA certificates of this address can not be read: ${problem}`)
  return (_, callback) => callback(failure, null)
}

/** What OpenSSL would pass over in silence. */
function problemOf(certificates: readonly string[]): string | undefined {
  if (certificates.length === 0) return 'there is none'
  try {
    for (const certificate of certificates) new X509Certificate(certificate)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

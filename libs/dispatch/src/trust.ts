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
  try {
    const own = caCerts.match(CERTIFICATE) ?? []
    if (own.length === 0) throw new Error('there is none')
    for (const certificate of own) new X509Certificate(certificate)
    const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...own] })
    return buildConnector({ ...OPTIONS, secureContext })
  } catch (error) {
    const problem = `the CA certificates of this address can not be read: ${(error as Error).message}`
    return (_, callback) => callback(new Error(problem), null)
  }
}

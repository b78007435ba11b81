import { createSecureContext } from 'node:tls'
import { credsAuthenticator, type NodeConnectionOptions, nkeyAuthenticator } from '@nats-io/transport-node'
import type { NatsAuth, NatsOptions } from './config.ts'

type Login = Pick<NodeConnectionOptions, 'authenticator' | 'user' | 'pass' | 'token'>

/** What the client shows a server, as the client takes it. */
export function loginOf(auth: NatsAuth | undefined): Login {
  if (auth?.kind === 'credentials') return { authenticator: credsAuthenticator(Buffer.from(auth.credentials)) }
  if (auth?.kind === 'nkey') return { authenticator: nkeyAuthenticator(Buffer.from(auth.seed)) }
  if (auth?.kind === 'password') return { user: auth.user, pass: auth.password }
  return auth === undefined ? {} : { token: auth.token }
}

/**
 * Any `tls://` among the servers asks for TLS at all of them: the client alone would speak in the clear, login and all,
 * to a server, or to somebody in between, that does not offer it.
 */
export function tlsOf(servers: readonly string[], tls: NatsOptions['tls']): NodeConnectionOptions['tls'] {
  if (tls === undefined && !servers.some((server) => /^tls:/i.test(server))) return undefined
  return { ...tls }
}

/** What of it can never work, without a word of what is secret: a seed or certificate is only read at connecting. */
export function loginProblems({ auth, tls = {} }: Pick<NatsOptions, 'auth' | 'tls'>): readonly string[] {
  const problems: string[] = []
  const { authenticator } = loginOf(auth)
  if (authenticator !== undefined && !works(() => [authenticator].flat()[0]?.('a nonce'))) {
    problems.push(
      auth?.kind === 'nkey'
        ? "the nkey's seed is none: it is one line that begins with SU"
        : 'the credentials hold no user JWT and seed: they are a .creds file, as nsc makes them',
    )
  }
  const { ca, cert, key } = tls
  if (ca !== undefined && !(hasCertificate(ca) && works(() => createSecureContext({ ca })))) {
    problems.push('the TLS authority is no certificate in PEM')
  }
  if (cert !== undefined && key !== undefined && !works(() => createSecureContext({ cert, key }))) {
    problems.push('the TLS client certificate and its key are not PEM, or not of each other')
  }
  return problems
}

/** Node takes any text for an authority, and knows nobody by it. */
function hasCertificate(pem: string): boolean {
  return pem.includes('-----BEGIN')
}

/** What a server says before it hangs up may get lost on the way, as its words about a certificate that is missing. */
export function hintFor(error: unknown, { tls }: NodeConnectionOptions): string {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  if (![code, cause?.code].some((each) => each === 'ECONNRESET' || each === 'EPIPE')) return ''
  const isAnonymous = tls !== undefined && tls !== null && !('cert' in tls && tls.cert !== undefined)
  return `: hung up on while connecting; if it is the server, it may not take the login${isAnonymous ? ', or ask for a client certificate' : ''}`
}

function works(tried: () => unknown): boolean {
  try {
    tried()
    return true
  } catch {
    return false
  }
}

import type { RequestOptions } from 'node:https'
import { EventingError } from '@sluice/errors'
import { Agent, fetch, type RequestInit as UndiciInit } from 'undici'
import type { Transport } from './requests.ts'

export interface ClusterTransport extends AsyncDisposable {
  /** Asks as the kubeconfig's user, or as the pod's service account. */
  readonly transport: Transport
  /** Asks with that token alone: nothing else of the kubeconfig's user, no certificate of theirs, goes along. */
  bearing(token: () => Promise<string>): Transport
  /** `https://host:port`, for logs. */
  readonly server: string
}

/** What client-node takes where it finds nothing. Source: client-node 2.0.1, config.js, loadFromDefault. */
const NOWHERE = 'http://localhost:8080'

type Credentials = Pick<RequestOptions, 'cert' | 'key'> & { readonly headers: Readonly<Record<string, string>> }

/**
 * Reaches the cluster of a kubeconfig (`path`, else KUBECONFIG, else the service account of the pod), as its context
 * says: certificates, tokens (read anew as they rotate), exec and OIDC plugins; with `url`, at that address. Rejects with
 * CONFIG_INVALID.
 *
 * Of @kubernetes/client-node only what reads the configuration is used: its informer ends for good at the first error
 * that is not a 410, and its requests make a connection pool each. Source: client-node 2.0.1, cache.js, config.js.
 */
export async function clusterTransport(path?: string, url?: string): Promise<ClusterTransport> {
  // a controller without a cluster never loads it
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    if (path === undefined) config.loadFromDefault()
    else config.loadFromFile(path)
  } catch (error) {
    throw invalid(`the kubeconfig ${path ?? 'of KUBECONFIG'} can't be read: ${(error as Error).message}`, error)
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw invalid(`the kubeconfig's current context names no cluster: set current-context`)
  if (cluster.proxyUrl !== undefined) throw invalid('proxy-url of a kubeconfig is not supported: remove it')
  if (path === undefined && cluster.server === NOWHERE)
    throw invalid('nothing says how the API server is reached: set KUBECONFIG, or run in a pod with a service account')
  const server = url ?? cluster.server
  const isPlain = server.startsWith('http:')
  // without TLS there is nothing to verify, and client-node refuses to go on unless that is said
  if (isPlain) config.clusters = config.clusters.map((each) => ({ ...each, skipTLSVerify: true }))
  const base = server.replace(/\/$/, '')
  const own = new Pool(isPlain)
  const bearers = new Pool(isPlain)

  async function send(
    pool: Pool,
    to: string,
    { signal, ...init }: RequestInit,
    as: (options: RequestOptions) => Credentials,
  ) {
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const { headers, cert, key } = as(options)
    const { ca, servername, rejectUnauthorized } = options
    const sent = {
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...headers },
      dispatcher: pool.agentFor({ ca, servername, rejectUnauthorized, cert, key }),
      ...(signal && { signal }),
    }
    return (await fetch(`${base}${to}`, sent as UndiciInit)) as unknown as Response
  }

  return {
    server: base,
    transport: (to, init) => send(own, to, init, asUser),
    bearing: (token) => async (to, init) => {
      const headers = { authorization: `Bearer ${await token()}` }
      return send(bearers, to, init, () => ({ headers }))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([own.destroy(), bearers.destroy()])
    },
  }
}

function asUser({ auth, cert, key, headers }: RequestOptions): Credentials {
  const given = headers as Record<string, string> | undefined
  return { cert, key, headers: { ...given, ...(typeof auth === 'string' && { authorization: `Basic ${btoa(auth)}` }) } }
}

/** Connections, for as long as certificates stay the same; who still uses older ones ends in peace. */
class Pool {
  readonly #isPlain: boolean
  #of = ''
  // a watch may be silent for long; whoever asks has a time limit of their own
  #agent = new Agent({ bodyTimeout: 0 })

  constructor(isPlain: boolean) {
    this.#isPlain = isPlain
  }

  agentFor(tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>): Agent {
    const known = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
    const of = JSON.stringify(Object.entries(known).map(([name, value]) => [name, String(value)]))
    if (this.#isPlain || this.#of === of) return this.#agent
    this.#agent.close().catch(() => undefined)
    this.#of = of
    this.#agent = new Agent({ bodyTimeout: 0, connect: known })
    return this.#agent
  }

  destroy(): Promise<void> {
    return this.#agent.destroy()
  }
}

function invalid(problem: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem, { cause })
}

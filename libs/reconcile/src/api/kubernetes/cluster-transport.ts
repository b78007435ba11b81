import type { RequestOptions } from 'node:https'
import { EventingError } from '@sluice/errors'
import { Agent, fetch, type RequestInit as UndiciInit } from 'undici'
import type { Transport } from './requests.ts'

export interface ClusterTransport extends AsyncDisposable {
  readonly transport: Transport
  /** `https://host:port`, for logs. */
  readonly server: string
}

/**
 * Reaches the cluster of a kubeconfig (`path`, else KUBECONFIG, else the service account of the pod), as its context
 * says: certificates, tokens (read anew as they rotate), exec and OIDC plugins. Rejects with CONFIG_INVALID.
 *
 * Of @kubernetes/client-node only what reads the configuration is used: its informer ends for good at the first error
 * that is not a 410, and its requests make a connection pool each. Source: client-node 2.0.1, cache.js, config.js.
 */
export async function clusterTransport(path?: string): Promise<ClusterTransport> {
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
  const isPlain = cluster.server.startsWith('http:')
  // without TLS there is nothing to verify, and client-node refuses to go on unless that is said
  if (isPlain) config.clusters = config.clusters.map((each) => ({ ...each, skipTLSVerify: true }))
  const base = cluster.server.replace(/\/$/, '')
  let pool = { of: '', agent: new Agent({ bodyTimeout: 0 }) }

  /** One pool for as long as certificates stay the same; who still uses an older one ends in peace. */
  function agentFor({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): Agent {
    const tls = { ca, cert, key, servername, rejectUnauthorized }
    const known = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
    const of = JSON.stringify(Object.values(known).map(String))
    if (isPlain || pool.of === of) return pool.agent
    pool.agent.close().catch(() => undefined)
    // a watch may be silent for long; whoever asks has a time limit of their own
    pool = { of, agent: new Agent({ bodyTimeout: 0, connect: known }) }
    return pool.agent
  }

  return {
    server: base,
    async transport(to, { signal, ...init }) {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const headers = { ...(options.headers as Record<string, string>), ...(init.headers as Record<string, string>) }
      if (typeof options.auth === 'string') headers.authorization = `Basic ${btoa(options.auth)}`
      const sent = { ...init, headers, dispatcher: agentFor(options), ...(signal && { signal }) }
      return (await fetch(`${base}${to}`, sent as UndiciInit)) as unknown as Response
    },
    [Symbol.asyncDispose]: () => pool.agent.destroy(),
  }
}

function invalid(problem: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem, { cause })
}

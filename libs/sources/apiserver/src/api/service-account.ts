import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { ClusterTransport, Requests, Transport } from '@sluice/kubernetes'

export interface ServiceAccountDeps {
  readonly namespace: string
  readonly name: string
  /** With the rights of the service, which are to make tokens and nothing else. */
  readonly requests: Requests
  readonly cluster: Pick<ClusterTransport, 'bearing'>
  readonly clock: Clock
}

/** What is asked for; the server may give less, or more. */
const LIFETIME_S = 3_600
/** Of its lifetime, after which another is asked for. */
const RENEWED_AFTER = 0.8
const SHORTEST_LIFETIME_S = 10

/** Asks the API server as a service account: with a token of it, in memory alone, made anew before it expires or when it is refused. */
export function asServiceAccount({ namespace, name, requests, cluster, clock }: ServiceAccountDeps): Transport {
  let current: { readonly token: string; readonly renewAt: number; readonly until: number } | undefined
  let coming: Promise<string> | undefined

  async function make(): Promise<string> {
    const began = clock.monotonic()
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`
    const wanted = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: LIFETIME_S },
    }
    const { spec, status } = await requests.ask('POST', path, wanted).catch((error) => {
      throw refusedFor(`${namespace}/${name}`, error)
    })
    const { token } = status as { readonly token: string }
    const given = (spec as { readonly expirationSeconds?: number } | undefined)?.expirationSeconds ?? LIFETIME_S
    const lifetimeMs = Math.max(given, SHORTEST_LIFETIME_S) * 1_000
    current = { token, renewAt: began + lifetimeMs * RENEWED_AFTER, until: began + lifetimeMs }
    return token
  }

  async function token(): Promise<string> {
    const now = clock.monotonic()
    if (current !== undefined && now < current.renewAt) return current.token
    coming ??= make().finally(() => {
      coming = undefined
    })
    try {
      return await coming
    } catch (error) {
      // the one at hand is good for a while yet
      if (current !== undefined && now < current.until) return current.token
      throw error
    }
  }

  const bearing = cluster.bearing(token)
  return async (path, init) => {
    const response = await bearing(path, init)
    if (response.status === 401) current = undefined
    return response
  }
}

/** No account, or no right to make tokens: as if the account had no rights. */
function refusedFor(account: string, error: unknown): unknown {
  if (!(error instanceof EventingError) || error.detail.code !== 'RESOURCE_REFUSED') return error
  const { status } = error.detail
  if (status !== 403 && status !== 404) return error
  const message = `no token of ServiceAccount ${account} can be had: ${error.message}`
  return new EventingError({ code: 'RESOURCE_REFUSED', reason: 'Forbidden', status: 403 }, message, { cause: error })
}

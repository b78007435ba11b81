import { EventingError } from '@sluice/errors'
import type { Requests } from '@sluice/kubernetes'
import type { ServedResource } from '../event-of.ts'

interface ApiResource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

/** What the API server calls the objects of a kind. Rejects with RESOURCE_REFUSED where it does not serve it, or not to be watched. */
export async function discover(
  requests: Requests,
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  signal: AbortSignal,
): Promise<ServedResource> {
  const resources = await resourcesOf(requests, apiVersion, signal)
  const found = resources.find((each) => each.kind === kind && !each.name.includes('/'))
  if (found === undefined) throw notServed(`the API server has no kind ${kind} of ${apiVersion}`)
  const lacking = ['list', 'watch'].filter((verb) => !found.verbs.includes(verb))
  if (lacking.length > 0)
    throw notServed(`the API server does not let anybody ${lacking.join(' or ')} ${found.name} of ${apiVersion}`)
  return { apiVersion, kind, plural: found.name, isNamespaced: found.namespaced }
}

/** Whether tokens of service accounts can be had from it. */
export async function hasServiceAccounts(requests: Requests, signal: AbortSignal): Promise<boolean> {
  return (await resourcesOf(requests, 'v1', signal)).some(({ name }) => name === 'serviceaccounts/token')
}

async function resourcesOf(
  requests: Requests,
  apiVersion: string,
  signal: AbortSignal,
): Promise<readonly ApiResource[]> {
  try {
    const { resources } = await requests.ask('GET', rootOf(apiVersion), undefined, signal)
    return (resources ?? []) as readonly ApiResource[]
  } catch (error) {
    const isUnknown =
      error instanceof EventingError && error.detail.code === 'RESOURCE_REFUSED' && error.detail.status === 404
    if (isUnknown) return []
    throw error
  }
}

export function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

function notServed(message: string): EventingError {
  return new EventingError({ code: 'RESOURCE_REFUSED', reason: 'NotFound', status: 404 }, message)
}

import type { Requests } from '@sluice/kubernetes'
import type { ServedResource } from '../event-of.ts'
import { createGate } from '../outflow.ts'

const VERBS = ['list', 'watch'] as const
const AT_ONCE = 8

/**
 * What who asks may not do and would have to, as sentences; none: everything is allowed. Asked for all namespaces at
 * once first, one by one where that is denied.
 */
export async function missingPermissions(
  requests: Requests,
  { apiVersion, plural }: ServedResource,
  namespaces: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] as string) : ''
  const gate = createGate(AT_ONCE)
  const denied = async (namespace: string | undefined) => {
    const verbs = await Promise.all(
      VERBS.map((verb) =>
        gate(async () => {
          const resourceAttributes = { verb, group, resource: plural, ...(namespace !== undefined && { namespace }) }
          return (await isAllowed(requests, resourceAttributes, signal)) ? [] : [verb]
        }),
      ),
    )
    return verbs.flat()
  }
  const everywhere = await denied(undefined)
  if (everywhere.length === 0) return []
  const what = group === '' ? plural : `${plural}.${group}`
  const sentences = await Promise.all(
    namespaces.map(async (namespace) => {
      const verbs = namespace === undefined ? everywhere : await denied(namespace)
      const where = namespace === undefined ? 'in the cluster' : `in namespace ${namespace}`
      return verbs.length === 0 ? [] : [`${verbs.join(', ')} ${what} ${where}`]
    }),
  )
  return sentences.flat()
}

async function isAllowed(requests: Requests, resourceAttributes: object, signal: AbortSignal): Promise<boolean> {
  const review = {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
    spec: { resourceAttributes },
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const { status } = await requests.ask('POST', path, review, signal)
  return (status as { allowed?: boolean } | undefined)?.allowed === true
}

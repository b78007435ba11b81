import { createHash } from 'node:crypto'
import type { ApiServerSourceRow, WatchedResource } from '@sluice/contract'
import type { ServedResource } from './event-of.ts'
import { selectorText } from './label-selector.ts'

/** What one list and one watch are for. */
export interface Stream {
  readonly apiVersion: string
  readonly kind: string
  /** Absent: in all, or the kind has none. */
  readonly namespace?: string
  /** As the parameter `labelSelector`; empty: all. */
  readonly selector: string
}

/** One per namespace, or one for all of them. */
export function streamsOf(
  { apiVersion, kind, selector }: WatchedResource,
  { isNamespaced }: ServedResource,
  namespaces: ApiServerSourceRow['namespaces'],
): readonly Stream[] {
  const stream = { apiVersion, kind, selector: selectorText(selector) }
  if (!isNamespaced || namespaces === 'all') return [stream]
  return namespaces.map((namespace) => ({ ...stream, namespace }))
}

/** Its name in the state: the same for as long as it is for the same. */
export function streamId({ apiVersion, kind, namespace = '', selector }: Stream): string {
  const text = [apiVersion, kind, namespace, selector].join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** `Deployment of apps/v1 in namespace shop`, for people. */
export function streamName({ apiVersion, kind, namespace, selector }: Stream): string {
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`
  return `${kind} of ${apiVersion}${where}${selector === '' ? '' : ` with ${selector}`}`
}

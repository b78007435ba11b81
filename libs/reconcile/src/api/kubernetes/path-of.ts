import type { ServedVersion } from '@sluice/resources/api'
import type { ObjectKey } from '../resource-client.ts'

/** The path of a kind, of an object of it, of its status. */
export function pathOf({ kind, apiVersion }: ServedVersion, { namespace, name }: Partial<ObjectKey> = {}): string {
  const root = kind.group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`
  const room = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${root}${room}/${kind.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}

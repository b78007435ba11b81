import type { ApiTable, ServedVersion } from '@sluice/resources/api'
import { badRequest } from '../store/refusals.ts'
import { noSuchPath } from './status.ts'

/** What of the registry a path names. */
export interface Target {
  readonly served: ServedVersion
  /** Absent: of every namespace, or the kind has none. */
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: 'status'
}

/** The parts of a path, decoded. Throws BadRequest for what no name can have. */
export function segmentsOf(path: string): readonly string[] {
  return path
    .replace(/\/$/, '')
    .split('/')
    .slice(1)
    .map((part) => {
      const text = decoded(part)
      if (text === '.' || text === '..' || /[/%\0]/.test(text))
        throw badRequest(`the path has ${JSON.stringify(text.slice(0, 80))}, which can't be a name`)
      return text
    })
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badRequest('the path is not percent-encoded as it should be')
  }
}

/** `namespaces/a/brokers/b/status` of a group and version. Throws NotFound. */
export function targetOf(table: ApiTable, apiVersion: string, parts: readonly string[]): Target {
  const isNamespaced = parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '')
  const [resource = '', name, subresource, ...more] = isNamespaced ? parts.slice(2) : parts
  const namespace = isNamespaced ? parts[1] : undefined
  const served = table.ofResource(apiVersion, resource)
  if (served === undefined || more.length > 0 || name === '' || namespace === '') throw noSuchPath()
  const isOfNamespace = served.kind.scope === 'Namespaced'
  if (isNamespaced && !isOfNamespace) throw noSuchPath()
  if (isOfNamespace && !isNamespaced && name !== undefined) throw noSuchPath()
  if (subresource !== undefined && (subresource !== 'status' || !hasStatus(served))) throw noSuchPath()
  return {
    served,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource === 'status' && { subresource }),
  }
}

export function hasStatus({ version }: Pick<ServedVersion, 'version'>): boolean {
  return 'status' in version.schema.shape
}

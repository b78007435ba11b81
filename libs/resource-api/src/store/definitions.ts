import { type ApiObject, type ApiTable, crdOf } from '@sluice/resources/api'
import { type Entry, frozen } from './entry.ts'
import { timestamp, uidOf } from './names.ts'

/** CustomResourceDefinitions as a cluster would show ours: read from the table, written by nobody. */
export function definitions(table: ApiTable, at: number): readonly Entry[] {
  const kinds = new Set(table.served.map(({ kind }) => kind).filter(({ owner }) => owner === 'sluice'))
  return [...kinds].map((kind) => {
    const crd = crdOf(kind)
    const { name } = crd.metadata
    const time = timestamp(at)
    const condition = (type: string, reason: string, message: string) => ({
      ...{ type, status: 'True', reason, message, lastTransitionTime: time },
    })
    const object = {
      ...crd,
      metadata: {
        ...crd.metadata,
        ...{ uid: uidOf(name), resourceVersion: '1', generation: 1, creationTimestamp: time },
      },
      spec: { ...crd.spec, versions: crd.spec.versions.map(withoutScale), conversion: { strategy: 'None' } },
      status: {
        acceptedNames: crd.spec.names,
        conditions: [
          condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
          condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
        ],
        storedVersions: kind.versions.filter(({ storage }) => storage).map((version) => version.name),
      },
    }
    return { key: name, rv: 1, at, bytes: 0, object: frozen(JSON.parse(JSON.stringify(object)) as ApiObject) }
  })
}

/** A subresource that is not served here. */
function withoutScale<V extends object>(version: V): V {
  const { scale: _, ...subresources } = ('subresources' in version ? version.subresources : {}) as { scale?: unknown }
  return { ...version, ...('subresources' in version && { subresources }) }
}

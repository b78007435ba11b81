import { createHash } from 'node:crypto'
import { type CloudEvent, createEvent } from '@sluice/cloudevents'
import { type ApiServerSourceRow, apiServerTypes } from '@sluice/contract'
import type { Change } from './change.ts'

/** What all objects of one list and watch have in common. */
export interface EventsOf {
  readonly row: Pick<ApiServerSourceRow, 'uid' | 'mode'>
  /** `source` of the events: the API server. */
  readonly source: string
  readonly resource: ServedResource
  /** Whether labels choose: then an object comes and goes without being made or removed. */
  readonly isSelected: boolean
}

export interface ServedResource {
  readonly apiVersion: string
  readonly kind: string
  /** As the API server calls it. */
  readonly plural: string
  readonly isNamespaced: boolean
}

/** In `metadata.annotations` of an object that went unseen: it has nothing but what names it. */
export const FINAL_STATE = 'sluice.dev/final-state'

/** Attributes as Knative's. Source: knative/eventing pkg/adapter/apiserver/events/events.go. */
export function eventOf(change: Change, { row, source, resource, isSelected }: EventsOf): CloudEvent {
  const { namespace, name } = change.place
  const { apiVersion, kind, plural } = resource
  const data = row.mode === 'Resource' ? wholeObject(change, resource) : reference(change, resource)
  return createEvent(
    {
      ...{
        specversion: '1.0',
        id: idOf(change, row.uid, isSelected),
        source,
        type: apiServerTypes(row.mode)[change.what],
      },
      ...{
        subject: `/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}`,
        datacontenttype: 'application/json',
      },
      ...{ apiversion: apiVersion, kind, name, namespace },
    },
    Buffer.from(JSON.stringify(data)),
    'json',
  )
}

/**
 * The same for whoever tells of the same change, at whatever time: of the source, the object, its version and what
 * happened. An object that no labels choose ends once, and so its end has no version.
 */
function idOf({ what, known }: Change, sourceUid: string, isSelected: boolean): string {
  const version = what === 'delete' && !isSelected ? '' : known.version
  const hash = createHash('sha256').update([sourceUid, known.uid, version, what].join('\n')).digest('hex')
  // RFC 9562, version 8: a UUID whose bits are a hash of names
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 3) | 8).toString(16)
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    variant + hash.slice(17, 20),
    hash.slice(20, 32),
  ].join('-')
}

/** Source: Kubernetes, core/v1 ObjectReference. */
function reference({ place: { namespace, name } }: Change, { apiVersion, kind }: ServedResource): object {
  return { kind, ...(namespace !== '' && { namespace }), name, apiVersion }
}

/** The items of a list of Kubernetes' own kinds do not say what they are. */
function wholeObject(
  { object, place: { namespace, name }, known }: Change,
  { apiVersion, kind }: ServedResource,
): object {
  if (object !== undefined) return { ...object, apiVersion, kind }
  const { uid, version, controller } = known
  return {
    ...{ apiVersion, kind },
    metadata: {
      ...{ name, ...(namespace !== '' && { namespace }), uid, resourceVersion: version },
      ...(controller && { ownerReferences: [{ ...controller, controller: true }] }),
      annotations: { [FINAL_STATE]: 'unknown' },
    },
  }
}

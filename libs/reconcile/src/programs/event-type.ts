import { createHash } from 'node:crypto'
import { isFailure } from '@sluice/errors'
import type { ApiObject } from '@sluice/resources/api'
import type { Program } from '../runtime/program.ts'
import { isFalse, isTrue, outcome } from './conditions.ts'
import { type Context, watchesOf } from './context.ts'
import { type Reference, refsOf } from './destination.ts'
import { keyOf, ownerReference, specOf } from './objects.ts'
import { createReferences } from './references.ts'

/** EventTypes: whether what they refer to is there. Source: knative/eventing pkg/reconciler/eventtype/eventtype.go. */
export function eventTypeProgram(context: Context, referable: readonly string[]): Program {
  const references = createReferences()
  return {
    kind: context.kinds('EventType'),
    watches: watchesOf(context, references, referable),
    async reconcile(key, object) {
      await context.ready
      if (object === undefined) {
        references.set(key, [])
        return {}
      }
      const { namespace } = keyOf(object)
      const { reference } = specOf(object) as { reference?: Reference }
      references.set(key, reference === undefined ? [] : refsOf({ ref: reference }, namespace))
      return outcome(object, { clock: context.clock, conditions: [referenceExists(context, reference, namespace)] })
    },
  }
}

function referenceExists(context: Context, reference: Reference | undefined, namespace: string) {
  const type = 'ReferenceExists'
  if (reference === undefined) return isTrue(type, 'ReferenceNotSet')
  if (context.resolver.object(reference, namespace) !== undefined) return isTrue(type)
  const { kind, name } = reference
  return isFalse(type, 'ResourceDoesNotExist', `${kind} ${reference.namespace ?? namespace}/${name} does not exist`)
}

/** A type of events that came in at a Broker or channel. */
export interface SeenType {
  readonly type: string
  readonly source: string
  readonly schema?: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** A flag of config-features. */
export const EVENT_TYPE_AUTO_CREATE = 'eventtype-auto-create'
const MAX_KNOWN = 10_000

/**
 * Makes an EventType for each type that is seen, while the feature eventtype-auto-create is enabled. Rejects where the
 * API can't be reached; then the next event of the type tries again. Source: knative/eventing pkg/eventtype/eventtypes.go.
 */
export function eventTypeAutoCreate(context: Context): (seen: SeenType) => Promise<void> {
  const known = new Set<string>()
  return async (seen) => {
    await context.ready
    if (!context.settings.isEnabled(EVENT_TYPE_AUTO_CREATE)) return
    const { kind, namespace, name } = seen
    const owner = context.informer(kind)?.get({ namespace, name })
    if (owner === undefined) return
    const id = `${nameOf(seen)} ${namespace}`
    if (known.has(id)) return
    if (known.size >= MAX_KNOWN) known.clear()
    known.add(id)
    try {
      await context.client.create(context.kinds('EventType'), eventTypeOf(seen, owner))
    } catch (error) {
      if (isFailure(error, 'RESOURCE_REFUSED')) return
      known.delete(id)
      throw error
    }
  }
}

function eventTypeOf(seen: SeenType, owner: ApiObject): ApiObject {
  const { apiVersion, kind } = owner
  const { name, namespace } = keyOf(owner)
  const { type, source, schema } = seen
  return {
    apiVersion: 'eventing.knative.dev/v1beta3',
    kind: 'EventType',
    metadata: { name: nameOf(seen), namespace, ownerReferences: [{ ...ownerReference(owner), controller: false }] },
    spec: {
      reference: { apiVersion, kind, name, namespace },
      description: 'Event Type auto-created by controller',
      attributes: [
        { name: 'type', required: true, value: type },
        { name: 'source', required: true, value: source },
        { name: 'specversion', required: true, value: '1.0' },
        { name: 'id', required: true },
        ...(schema === undefined ? [] : [{ name: 'schemadata', required: false, value: schema }]),
      ],
    },
  }
}

function nameOf({ type, source, namespace, name }: SeenType): string {
  const hash = createHash('md5').update(`${type}${source}${namespace}${name}`).digest('hex')
  return `et-${name.slice(0, 200)}-${hash}`
}

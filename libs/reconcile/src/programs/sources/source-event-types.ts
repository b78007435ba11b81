import { createHash } from 'node:crypto'
import { isFailure } from '@sluice/errors'
import type { ApiObject } from '@sluice/resources/api'
import type { ObjectChange, ObjectKey } from '../../api/resource-client.ts'
import type { Watched } from '../../runtime/program.ts'
import type { Context } from '../context.ts'
import type { Reference } from '../destination.ts'
import { keyOf, ownerReference, uidOf } from '../objects.ts'
import type { CeAttributes } from './source-kind.ts'

const SOURCE_NAME = 'eventing.knative.dev/sourceName'
const MAX_LABEL_LENGTH = 63
const EVENT_TYPE = 'EventType'

/**
 * The EventTypes of sources, one for each type and source of its events: made, mended, and removed once the source has
 * no such events. They go with their source. Source: knative/eventing pkg/reconciler/source/duck.
 */
export interface SourceEventTypes {
  /** Answers why one was refused, if one was: its source works without it. */
  keep(source: ApiObject, wanted: readonly CeAttributes[], sink: Reference | undefined): Promise<string | undefined>
  /** A change of one concerns its source. */
  watch(kind: string): Watched
}

export function createSourceEventTypes(context: Context): SourceEventTypes {
  const { client, kinds, informer } = context
  const kind = kinds(EVENT_TYPE)
  const byOwner = new Map<string, Map<string, ObjectKey>>()
  // ends with the client
  informer(EVENT_TYPE).changed(({ key, before, now }) => {
    const id = `${key.namespace}/${key.name}`
    for (const each of ownersOf(before)) {
      const owned = byOwner.get(each.uid)
      owned?.delete(id)
      if (owned?.size === 0) byOwner.delete(each.uid)
    }
    for (const each of ownersOf(now)) byOwner.set(each.uid, (byOwner.get(each.uid) ?? new Map()).set(id, key))
  })

  async function remove({ metadata }: ApiObject): Promise<void> {
    try {
      const { namespace = '', name = '', uid } = metadata
      await client.delete(kind, { namespace, name }, String(uid))
    } catch (error) {
      if (!isFailure(error, 'RESOURCE_REFUSED')) throw error
    }
  }

  async function create(object: ApiObject): Promise<string | undefined> {
    try {
      await client.create(kind, object)
      return undefined
    } catch (error) {
      if (!isFailure(error, 'RESOURCE_REFUSED')) throw error
      // its name says it is this one: the copy of what is there lags behind
      return error.detail.reason === 'AlreadyExists' ? undefined : error.message
    }
  }

  return {
    watch: (of) => ({
      kind,
      concerns: ({ before, now }: ObjectChange) =>
        ownersOf(now ?? before)
          .filter((owner) => owner.kind === of)
          .map(({ name }) =>
            keyOf({ ...(now ?? before), metadata: { ...(now ?? before)?.metadata, name } } as ApiObject),
          ),
    }),
    async keep(source, wanted, sink) {
      // a source that only has a URL says nothing about who has such events
      const expected = sink === undefined ? [] : wanted.map((each) => eventTypeOf(context, source, each, sink))
      const names = new Map(expected.map((each) => [each.metadata.name, each]))
      const there = [...(byOwner.get(uidOf(source))?.values() ?? [])].flatMap(
        (key) => informer(EVENT_TYPE).get(key) ?? [],
      )
      for (const object of there) {
        const own = names.get(object.metadata.name)
        if (own !== undefined && isSameSpec(own, object)) names.delete(object.metadata.name)
        else await remove(object)
      }
      let refusal: string | undefined
      for (const object of names.values()) refusal = (await create(object)) ?? refusal
      return refusal
    },
  }
}

interface Owner {
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

function ownersOf(object: ApiObject | undefined): readonly Owner[] {
  const owners = (object?.metadata.ownerReferences ?? []) as readonly Owner[]
  return owners.filter(({ controller }) => controller === true)
}

/** As the API has it, which adds nothing to an EventType. */
function isSameSpec(a: ApiObject, b: ApiObject): boolean {
  return JSON.stringify(inOrder(a.spec)) === JSON.stringify(inOrder(b.spec))
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, inOrder(each)]),
  )
}

function eventTypeOf(
  context: Context,
  source: ApiObject,
  { type, source: uri }: CeAttributes,
  sink: Reference,
): ApiObject {
  const { namespace, name } = keyOf(source)
  const { description, schema } = declared(context, source.kind, type)
  const hash = createHash('md5')
    .update(`${type}${uri}${schema ?? ''}${uidOf(source)}`)
    .digest('hex')
  return {
    apiVersion: context.kinds(EVENT_TYPE).apiVersion,
    kind: EVENT_TYPE,
    metadata: {
      ...{ name: hash, namespace, ownerReferences: [ownerReference(source)] },
      // Knative writes it whatever its length, and is refused
      ...(name.length <= MAX_LABEL_LENGTH && { labels: { [SOURCE_NAME]: name } }),
    },
    spec: {
      reference: sink,
      ...(description !== undefined && { description }),
      attributes: [
        { name: 'type', required: true, value: type },
        { name: 'source', required: true, value: uri },
        { name: 'specversion', required: true, value: '1.0' },
        { name: 'id', required: true },
        ...(schema === undefined ? [] : [{ name: 'schemadata', required: false, value: schema }]),
      ],
    },
  }
}

/** What the CRD says of a type. */
function declared(context: Context, kind: string, type: string): { description?: string; schema?: string } {
  const json = context.kinds(kind).kind.annotations?.['registry.knative.dev/eventTypes'] ?? '[]'
  const all = JSON.parse(json) as readonly { type: string; description?: string; schema?: string }[]
  return all.find((each) => each.type === type) ?? {}
}

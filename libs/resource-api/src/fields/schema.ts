import type { ApiObject, Structural } from '@sluice/resources/api'

/** What is not declared is taken apart as it comes: maps by key, lists as a whole. */
export const ANYTHING: Structural = {}

const text: Structural = { type: 'string' }
const atomicMap: Structural = { type: 'object', 'x-kubernetes-map-type': 'atomic' }
const set: Structural = { type: 'array', items: text, 'x-kubernetes-list-type': 'set' }
const listBy = (keys: readonly string[], items: Structural): Structural => ({
  ...{ type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys },
})
const texts: Structural = { type: 'object', additionalProperties: text }
const fields = (properties: Readonly<Record<string, Structural>>): Structural => ({ type: 'object', properties })

/** Source: Kubernetes, metav1 ObjectMeta. */
const METADATA = fields({
  ...{ labels: texts, annotations: texts, finalizers: set, ownerReferences: listBy(['uid'], atomicMap) },
  ...{ generateName: text },
})

/** Of Kubernetes' own kinds what is owned item by item, or as a whole. Source: core/v1 types, listType and structType. */
const OWN: Readonly<Record<string, Readonly<Record<string, Structural>>>> = {
  'v1 Service': {
    spec: fields({
      ports: listBy(['port', 'protocol'], fields({ protocol: { ...text, default: 'TCP' } })),
      selector: atomicMap,
    }),
    status: fields({ conditions: listBy(['type'], ANYTHING) }),
  },
  'v1 Namespace': { status: fields({ conditions: listBy(['type'], ANYTHING) }) },
  'v1 Event': { involvedObject: atomicMap, related: atomicMap },
}

/** The schema of a whole object, with the lists of its metadata. */
export function wholeSchema(schema: Structural, { apiVersion, kind }: ApiObject): Structural {
  const own = OWN[`${apiVersion} ${kind}`] ?? {}
  return { ...schema, properties: { ...schema.properties, ...own, metadata: METADATA } }
}

export function declared(schema: Structural, name: string): Structural | undefined {
  const { properties } = schema
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined
}

/** The schema one step on: `f:name`, `k:…` or `v:…`. */
export function below(schema: Structural, step: string): Structural {
  if (!step.startsWith('f:')) return schema.items ?? ANYTHING
  return declared(schema, step.slice(2)) ?? schema.additionalProperties ?? ANYTHING
}

import type { Structural } from './structural.ts'

export interface Shaped {
  /** Without unknown fields and with defaults. */
  readonly value: unknown
  /** Paths of the fields the schema does not know. */
  readonly unknown: readonly (readonly PropertyKey[])[]
  /** Paths of the fields that are null and must not be. */
  readonly nulls: readonly (readonly PropertyKey[])[]
}

/**
 * An object in the shape of its schema, as Kubernetes has it before it validates: unknown fields pruned, defaults
 * filled in, null taken as absent where there is a default. `nulls`: 'absent' everywhere, as for Kubernetes' own kinds.
 * `path` is where the value is in its object.
 * Does not change its input. Source: Kubernetes, CustomResourceDefinitions, "Field pruning", "Defaulting".
 */
export function shape(
  value: unknown,
  schema: Structural,
  { nulls = 'refused', path = [] }: { nulls?: 'refused' | 'absent'; path?: readonly PropertyKey[] } = {},
): Shaped {
  const unknown: (readonly PropertyKey[])[] = []
  const refused: (readonly PropertyKey[])[] = []

  const walk = (value: unknown, schema: Structural, path: readonly PropertyKey[]): unknown => {
    if (Array.isArray(value)) {
      const { items } = schema
      return items === undefined ? value : value.map((item, i) => walk(item, items, [...path, i]))
    }
    if (typeof value !== 'object' || value === null) return value
    const { properties, additionalProperties } = schema
    if (properties === undefined && additionalProperties === undefined) return value
    const entries: [string, unknown][] = []
    for (const [name, field] of Object.entries(value)) {
      const known = properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties
      const at = [...path, name]
      if (known === undefined) {
        if (schema['x-kubernetes-preserve-unknown-fields']) entries.push([name, field])
        else unknown.push(at)
      } else if (field === null) {
        if (known.default === undefined && nulls === 'refused') refused.push(at)
      } else entries.push([name, walk(field, known, at)])
    }
    const given = new Map(entries)
    for (const [name, known] of Object.entries(properties ?? {}))
      if (known.default !== undefined && !given.has(name))
        given.set(name, walk(structuredClone(known.default), known, [...path, name]))
    return Object.fromEntries(given)
  }

  return { value: walk(value, schema, path), unknown, nulls: refused }
}

import { z } from 'zod'
import type { ApiVersion } from './kind.ts'
import { VALIDATIONS, type Validation } from './rule.ts'

/** A structural schema: what a CRD may hold. Source: Kubernetes, "Specifying a structural schema". */
export interface Structural {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Structural>>
  readonly additionalProperties?: Structural
  readonly items?: Structural
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly 'x-kubernetes-preserve-unknown-fields'?: true
  readonly 'x-kubernetes-validations'?: readonly Validation[]
  readonly [keyword: string]: unknown
}

const ANY = 'x-kubernetes-preserve-unknown-fields'
const MAX_INT32 = 2 ** 31 - 1

/** The schema of a version as a CRD has it: apiVersion, kind and metadata in front, transition rules in place. */
export function structuralOf(version: ApiVersion, description: string): Structural {
  const body = structural(z.toJSONSchema(version.schema, { io: 'input', target: 'openapi-3.0' }))
  const properties = Object.entries(body.properties ?? {}).map(([name, field]) => {
    const rules = (version.transitions?.[name] ?? []).map(({ cel, message }) => ({
      rule: cel,
      message,
      reason: 'FieldValueInvalid',
    }))
    if (rules.length === 0) return [name, field]
    return [name, { ...field, [VALIDATIONS]: [...(field[VALIDATIONS] ?? []), ...rules] }]
  })
  return {
    description,
    ...body,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...Object.fromEntries(properties),
    },
  }
}

/** JSON schema as zod writes it, in Kubernetes' subset of it. */
export function structural(schema: unknown): Structural {
  const { $schema: _, propertyNames: __, additionalProperties, properties, items, ...rest } = schema as Structural
  const of = bounds(rest as Structural)
  const isOpen = isAnything(additionalProperties)
  if (properties !== undefined) {
    const known = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, structural(field)]))
    return { ...of, ...(isOpen && { [ANY]: true as const }), properties: known }
  }
  if (isOpen) return { ...of, [ANY]: true }
  if (additionalProperties !== undefined) return { ...of, additionalProperties: structural(additionalProperties) }
  if (items !== undefined) return { ...of, items: structural(items) }
  return of.type === undefined ? { ...of, [ANY]: true } : of
}

function isAnything(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && Object.keys(schema).length === 0
}

/** Bounds that only repeat the format go; JavaScript's own bounds of integers are none of the API's. */
function bounds(schema: Structural): Structural {
  if (schema.type !== 'integer') return schema
  const { minimum, maximum, ...rest } = schema
  const isBound = (limit: unknown) => limit !== undefined && Math.abs(Number(limit)) < Number.MAX_SAFE_INTEGER
  return {
    ...rest,
    ...(maximum === MAX_INT32 && { format: 'int32' }),
    ...(isBound(minimum) && minimum !== -MAX_INT32 - 1 && { minimum }),
    ...(isBound(maximum) && { maximum }),
  }
}

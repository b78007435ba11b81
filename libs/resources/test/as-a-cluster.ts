// What a cluster would say to an object with our CRDs: JSON schema and CEL, by an evaluator of neither's author.
import { evaluate } from '@marcbachmann/cel-js'
import type { Structural } from '../src/api/index.ts'

export interface ClusterVerdict {
  readonly refused: readonly string[]
  /** Rules that were false, by their CEL. */
  readonly rules: readonly string[]
}

/** Judges an object that is in shape already. `old` is what it was, for transition rules. */
export function asACluster(object: unknown, old: unknown, schema: Structural): ClusterVerdict {
  const refused: string[] = []
  const rules: string[] = []
  const walk = (value: unknown, old: unknown, schema: Structural, path: string): void => {
    const problem = problemOf(value, schema)
    if (problem !== undefined) {
      refused.push(`${path}: ${problem}`)
      return
    }
    for (const { rule } of schema['x-kubernetes-validations'] ?? []) {
      if (rule.includes('oldSelf') && old === undefined) continue
      if (isTrue(rule, { self: value, oldSelf: old })) continue
      refused.push(`${path}: ${rule}`)
      rules.push(rule)
    }
    if (Array.isArray(value)) {
      // items of lists that are no maps have no old self
      for (const [i, item] of value.entries()) if (schema.items) walk(item, undefined, schema.items, `${path}[${i}]`)
    } else if (isMap(value)) {
      for (const [name, field] of Object.entries(value)) {
        const known = schema.properties?.[name] ?? schema.additionalProperties
        if (known) walk(field, isMap(old) ? old[name] : undefined, known, `${path}.${name}`)
      }
    }
  }
  walk(object, old, schema, '')
  return { refused, rules }
}

/** As Kubernetes: a rule that can't be evaluated is not true. */
export function isTrue(rule: string, context: Record<string, unknown>): boolean {
  try {
    return evaluate(rule, context) === true
  } catch {
    return false
  }
}

function problemOf(value: unknown, schema: Structural): string | undefined {
  const { type, enum: values, pattern, minLength, maxLength, minimum, maximum, minItems, maxItems, required } = schema
  if (type !== undefined && typeOf(value) !== type && !(type === 'number' && typeOf(value) === 'integer'))
    return `is not of type ${type}`
  if (Array.isArray(values) && !values.includes(value)) return `is none of ${values}`
  if (typeof value === 'string') {
    if (typeof pattern === 'string' && !new RegExp(pattern).test(value)) return `does not match ${pattern}`
    return outside(value.length, minLength, maxLength)
  }
  if (typeof value === 'number')
    return (
      outside(value, minimum, maximum) ??
      (schema.format === 'int32' ? outside(value, -(2 ** 31), 2 ** 31 - 1) : undefined)
    )
  if (Array.isArray(value)) return outside(value.length, minItems, maxItems)
  const missing = (required ?? []).filter((name) => !isMap(value) || value[name] === undefined)
  return missing.length === 0 ? undefined : `lacks ${missing}`
}

function outside(value: number, min: unknown, max: unknown): string | undefined {
  if (typeof min === 'number' && value < min) return `is below ${min}`
  return typeof max === 'number' && value > max ? `is beyond ${max}` : undefined
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return value === null ? 'null' : typeof value
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import type { z } from 'zod'

/** A rule in two languages: `cel` for a cluster, `test` for the embedded API. A test proves that they agree. */
export interface Rule<T> {
  /** CEL over `self`, where Kubernetes checks it. */
  readonly cel: string
  readonly test: (self: T) => boolean
  readonly message: string
  /** Where below `self` the problem is. */
  readonly path?: readonly string[]
  readonly reason?: 'FieldValueRequired' | 'FieldValueForbidden'
}

/** CEL that repeats what a schema's own checks say, and more precisely than JSON schema could. */
export type Mirror = Pick<Rule<never>, 'cel' | 'message'>

/** A rule over an object and what it was. Source: Kubernetes, transition rules of CustomResourceDefinitions. */
export interface Transition {
  readonly cel: string
  readonly test: (self: Fields, oldSelf: Fields) => boolean
  readonly message: string
}

type Fields = Readonly<Record<string, unknown>>

/** As a CRD writes it. */
export interface Validation {
  readonly rule: string
  readonly message: string
  readonly reason?: string
}

export const VALIDATIONS = 'x-kubernetes-validations'

/** The schema with rules: a refinement each, and a CEL rule in its JSON schema. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const refined = schema.superRefine((self, context) => {
    for (const { test, message, path, reason } of rules)
      if (!test(self)) context.addIssue({ code: 'custom', message, path: [...(path ?? [])], params: { reason } })
  })
  return told(refined, rules)
}

/** The schema with CEL for what its checks say already. */
export function mirrored<S extends z.ZodType>(schema: S, ...mirrors: readonly Mirror[]): S {
  return told(schema, mirrors)
}

function told<S extends z.ZodType>(schema: S, rules: readonly (Mirror & Pick<Rule<never>, 'reason' | 'path'>)[]): S {
  const before = (schema.meta()?.[VALIDATIONS] ?? []) as readonly Validation[]
  const added = rules.map(
    ({ cel, message, reason, path }): Validation => ({
      rule: cel,
      message,
      ...(reason && { reason }),
      ...(path && { fieldPath: path.map((step) => `.${step}`).join('') }),
    }),
  )
  return schema.meta({ [VALIDATIONS]: [...before, ...added] })
}

/** Fields whose value stays as it was at creation, absence included. */
export function immutable(...fields: readonly string[]): Transition {
  return {
    cel: fields.map((field) => sameInCel(field)).join(' && '),
    test: (self, oldSelf) => fields.every((field) => isSame(self[field], oldSelf[field])),
    message: `Immutable fields changed: ${fields.join(', ')} can't be changed, delete the object and create it again`,
  }
}

/** A field that stays once it has a value. */
export function immutableOnceSet(field: string): Transition {
  const isEmpty = (value: unknown) => value === undefined || value === ''
  return {
    cel: `!has(oldSelf.${field}) || oldSelf.${field} == '' || (has(self.${field}) && self.${field} == oldSelf.${field})`,
    test: (self, oldSelf) => isEmpty(oldSelf[field]) || isSame(self[field], oldSelf[field]),
    message: `Immutable fields changed: ${field} can't be changed, delete the object and create it again`,
  }
}

function sameInCel(field: string): string {
  return `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`
}

/** Equal as JSON, whatever the order of keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame((a as Fields)[key], (b as Fields)[key]))
  )
}

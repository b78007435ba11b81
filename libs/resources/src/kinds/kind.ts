import type { z } from 'zod'

/** Who and where an object is. `at` is `file:line:col` of its name. */
export interface Identity {
  readonly namespace: string
  readonly name: string
  readonly at: string
}

/** One kind of manifest: adding a kind is a file like its neighbours and a line in `kinds.ts`. */
export interface Kind<R> {
  readonly apiVersion: string
  readonly kind: string
  /** The whole object as written, unknown fields refused; its output is what `toResource` takes. */
  readonly schema: z.ZodType
  toResource(object: unknown, identity: Identity): R
}

export function defineKind<S extends z.ZodType, R>(definition: {
  apiVersion: string
  kind: string
  schema: S
  toResource(object: z.output<S>, identity: Identity): R
}): Kind<R> {
  return { ...definition, toResource: (object, identity) => definition.toResource(object as z.output<S>, identity) }
}

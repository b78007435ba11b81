import type { ApiObject } from '@sluice/resources/api'

/** What is kept of an object that was told of: enough to know whether it changed, and to tell of its end. */
export interface KnownObject {
  readonly uid: string
  readonly version: string
  /** Of the object that controls it: apiVersion and kind. */
  readonly controller?: Controller
}

export interface Controller {
  readonly apiVersion: string
  readonly kind: string
}

/** Where an object is; no two have it at a time. `namespace` is empty where its kind has none. */
export interface ObjectPlace {
  readonly namespace: string
  readonly name: string
}

export interface Change {
  readonly what: 'add' | 'update' | 'delete'
  readonly place: ObjectPlace
  /** Of `delete` what was known before. */
  readonly known: KnownObject
  /** Undefined where nobody saw it go. */
  readonly object?: ApiObject
}

/** What is to be told of an object that is there, in this order. A namesake of another uid is another object. */
export function changesTo(now: ApiObject, before: KnownObject | undefined): readonly Change[] {
  const known = knownOf(now)
  const place = placeOf(now)
  if (before === undefined) return [{ what: 'add', place, known, object: now }]
  if (before.uid === known.uid)
    return before.version === known.version ? [] : [{ what: 'update', place, known, object: now }]
  return [
    { what: 'delete', place, known: before },
    { what: 'add', place, known, object: now },
  ]
}

/** Of one that a watch says is gone; nothing where that is older than what is known. */
export function changesToGone(last: ApiObject, before: KnownObject | undefined): readonly Change[] {
  const { uid, version } = knownOf(last)
  if (before === undefined || before.uid !== uid || isOlder(version, before.version)) return []
  return [{ what: 'delete', place: placeOf(last), known: before, object: last }]
}

export function knownOf({ metadata }: ApiObject): KnownObject {
  const owners = (metadata.ownerReferences ?? []) as readonly (Controller & { readonly controller?: boolean })[]
  const owner = owners.find(({ controller }) => controller === true)
  return {
    uid: String(metadata.uid),
    version: String(metadata.resourceVersion),
    ...(owner !== undefined && { controller: { apiVersion: owner.apiVersion, kind: owner.kind } }),
  }
}

export function placeOf({ metadata: { namespace = '', name } }: ApiObject): ObjectPlace {
  return { namespace, name: String(name) }
}

/**
 * Whether one version is older than another of the same list or watch. Versions that are no numbers are never: there
 * nothing is known but that they differ. Source: Kubernetes, KEP-5504, comparable resource versions.
 */
export function isOlder(version: string, than: string): boolean {
  if (!DECIMAL.test(version) || !DECIMAL.test(than)) return false
  return version.length === than.length ? version < than : version.length < than.length
}

const DECIMAL = /^(0|[1-9]\d*)$/

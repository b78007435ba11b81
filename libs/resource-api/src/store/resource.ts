import type { ApiKind, ApiObject, ApiTable, ServedVersion } from '@sluice/resources/api'
import type { Change, Entry } from './entry.ts'
import { resourceName } from './refusals.ts'

/** The objects of one kind: as they are on disk, and as they will be once what is on its way has got there. */
export class Resource {
  readonly id: string
  readonly kind: ApiKind
  readonly stored: ServedVersion
  readonly hasGeneration: boolean
  readonly entries = new Map<string, Entry>()
  readonly watchers = new Set<(change: Change) => void>()
  /** What is on its way; undefined: a removal. */
  readonly #pending = new Map<string, Entry | undefined>()
  #sorted: readonly string[] | undefined

  constructor(kind: ApiKind, stored: ServedVersion) {
    this.id = resourceName(kind)
    this.kind = kind
    this.stored = stored
    // Kubernetes counts for kinds made from CRDs, and hardly for its own
    this.hasGeneration = kind.owner === 'sluice'
  }

  /** What the next write finds. */
  latest(key: string): Entry | undefined {
    return this.#pending.has(key) ? this.#pending.get(key) : this.entries.get(key)
  }

  expect(key: string, entry: Entry | undefined): void {
    this.#pending.set(key, entry)
  }

  apply({ key, now }: Change): void {
    if (this.#pending.get(key) === now) this.#pending.delete(key)
    if (now === undefined) this.entries.delete(key)
    if (now === undefined || !this.entries.has(key)) this.#sorted = undefined
    if (now !== undefined) this.entries.set(key, now)
  }

  forgetPending(): void {
    this.#pending.clear()
  }

  /** Keys in order, of one namespace or of all. */
  keys(namespace: string | undefined): readonly string[] {
    this.#sorted ??= [...this.entries.keys()].sort(byText)
    if (namespace === undefined) return this.#sorted
    // a slash sorts right before 0
    return this.#sorted.slice(placeOf(this.#sorted, `${namespace}/`), placeOf(this.#sorted, `${namespace}0`))
  }

  toStored(object: ApiObject): ApiObject {
    return converted(this.kind, object, this.stored)
  }
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Index of the first that is not before `text`. */
export function placeOf(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) < text) low = middle + 1
    else high = middle
  }
  return low
}

/** An object in a version of its kind; the same one if it has it already. */
export function converted(kind: ApiKind, object: ApiObject, to: ServedVersion): ApiObject {
  if (object.apiVersion === to.apiVersion) return object
  if (kind.convert !== undefined) return kind.convert(object, to.version.name)
  return { ...object, apiVersion: to.apiVersion }
}

export function resourcesOf(table: ApiTable): ReadonlyMap<ApiKind, Resource> {
  const kinds = new Set(table.served.map(({ kind }) => kind))
  return new Map([...kinds].map((kind) => [kind, new Resource(kind, table.stored(kind))]))
}

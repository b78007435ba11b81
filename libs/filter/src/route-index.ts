import type { CloudEvent } from '@sluice/cloudevents'
import type { RouteRow } from '@sluice/contract'
import { type BuiltFilter, buildFilter, type Condition, comparedText } from './condition.ts'

interface Route {
  readonly row: RouteRow
  readonly condition: Condition
}

/** Routes whose exact parts name the same attributes, by the joined values they ask for. */
interface Group {
  readonly names: readonly string[]
  readonly buckets: Map<string, Map<string, Route>>
}

interface Place {
  readonly signature: string
  readonly key: string
}

const NO_ROUTES: readonly RouteRow[] = []

/**
 * The routes of one log. An event costs one look-up per set of attribute names in use, not one test per route; putting
 * and removing a route touches nothing but its bucket. Routes without an exact part share the bucket of no names.
 */
export class RouteIndex {
  readonly #groups = new Map<string, Group>()
  readonly #places = new Map<string, Place>()
  readonly #refused = new Set<string>()

  /** Routes whose filter can't be built; each rejects every event. */
  get refused(): number {
    return this.#refused.size
  }

  get size(): number {
    return this.#places.size + this.#refused.size
  }

  /** Adds a route or replaces the one of the same uid. Answers what its filter was built to. */
  put(row: RouteRow): BuiltFilter {
    this.remove(row.uid)
    const built = buildFilter(row.filter)
    if ('problem' in built) this.#refused.add(row.uid)
    else this.#insert({ row, condition: built.condition })
    return built
  }

  remove(uid: string): void {
    this.#refused.delete(uid)
    const place = this.#places.get(uid)
    if (place === undefined) return
    this.#places.delete(uid)
    const group = this.#groups.get(place.signature)
    const bucket = group?.buckets.get(place.key)
    bucket?.delete(uid)
    if (bucket?.size === 0) group?.buckets.delete(place.key)
    if (group?.buckets.size === 0) this.#groups.delete(place.signature)
  }

  /** The routes whose filter the event meets. Throws what a filter's evaluation throws. */
  match(event: CloudEvent): readonly RouteRow[] {
    let matches: RouteRow[] | undefined
    for (const { names, buckets } of this.#groups.values()) {
      const key = keyOf(names, event)
      const bucket = key === undefined ? undefined : buckets.get(key)
      if (bucket === undefined) continue
      for (const { row, condition } of bucket.values()) {
        if (condition.rest === undefined || condition.rest(event)) {
          if (matches === undefined) matches = [row]
          else matches.push(row)
        }
      }
    }
    return matches ?? NO_ROUTES
  }

  #insert(route: Route): void {
    const { exact } = route.condition
    const names = [...exact.keys()].sort()
    const signature = JSON.stringify(names)
    const key = keyOfTexts(names.map((name) => exact.get(name) as string))
    const group = this.#groups.get(signature) ?? { names, buckets: new Map() }
    this.#groups.set(signature, group)
    const bucket = group.buckets.get(key) ?? new Map<string, Route>()
    group.buckets.set(key, bucket)
    bucket.set(route.row.uid, route)
    this.#places.set(route.row.uid, { signature, key })
  }
}

/** One name: its text as it is. More: each with its length in front, so that no two lists join to the same key. */
function keyOf(names: readonly string[], event: CloudEvent): string | undefined {
  let key = ''
  for (const name of names) {
    const text = comparedText(event, name)
    if (text === undefined) return undefined
    key = names.length === 1 ? text : appended(key, text)
  }
  return key
}

function keyOfTexts(texts: readonly string[]): string {
  return texts.length === 1 ? (texts[0] as string) : texts.reduce(appended, '')
}

function appended(key: string, text: string): string {
  return `${key}${text.length}:${text}`
}

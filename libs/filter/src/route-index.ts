import type { CloudEvent } from '@sluice/cloudevents'
import type { RouteRow } from '@sluice/contract'
import { type BuiltFilter, buildFilter } from './build-filter.ts'
import type { EvaluationFailure } from './cesql-clause.ts'
import type { Clause, Way } from './clause.ts'
import { comparedNames, comparedText } from './compared-text.ts'

/** One way into a route. */
interface Entry {
  readonly row: RouteRow
  readonly rest: readonly Clause[]
  /** Shared by the ways of a route that has several: the last event that it was found to match, by number. */
  readonly matched: { event: number } | undefined
  /** Its place in its bucket. */
  at: number
}

/** An array, since one look-up for an event may end in cold memory: a Set would be two steps more to the entry. */
type Bucket = Entry[]

/** Ways whose exact parts name the same attributes, by the joined values they ask for. */
interface Group {
  readonly names: readonly string[]
  readonly buckets: Map<string, Bucket>
}

/** Where an entry lies. */
interface Place {
  readonly entry: Entry
  readonly pivot: string | undefined
  readonly signature: string
  readonly key: string
}

const NO_ROUTES: readonly RouteRow[] = []

/** Attributes that every event has, or most; as pivots they would rule out little. */
const USUAL: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'time', 'subject', 'datacontenttype', 'datamediatype'],
  ...['dataschema', 'schemaurl', 'knativearrivaltime'],
])

/**
 * The routes of one log. An event costs one look-up per set of attribute names in use whose pivot, its rarest name, the
 * event has; not one test per route. Putting and removing a route touches nothing but its own entries, `MAX_WAYS` at
 * most. What no look-up can answer is evaluated: the rest of a way behind its look-up, and ways without an exact part.
 */
export class RouteIndex {
  /** By pivot, then by signature: the names of a group. */
  readonly #groups = new Map<string, Map<string, Group>>()
  readonly #unconditional: Bucket = []
  readonly #places = new Map<string, readonly Place[]>()
  readonly #refused = new Set<string>()
  readonly #failed: (row: RouteRow, failure: EvaluationFailure) => void
  #events = 0

  /** `failed` hears of every evaluation that fails; its clause is not met. */
  constructor(failed: (row: RouteRow, failure: EvaluationFailure) => void = () => {}) {
    this.#failed = failed
  }

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
    const built = buildFilter(row.filter, (failure) => this.#failed(row, failure))
    if ('problem' in built) this.#refused.add(row.uid)
    else {
      const { ways } = built.filter
      const matched = ways.length > 1 ? { event: 0 } : undefined
      this.#places.set(
        row.uid,
        ways.map(({ exact, rest }) => this.#insert({ row, rest, matched, at: 0 }, exact)),
      )
    }
    return built
  }

  remove(uid: string): void {
    this.#refused.delete(uid)
    for (const place of this.#places.get(uid) ?? []) this.#delete(place)
    this.#places.delete(uid)
  }

  /** The routes whose filter the event meets, each once. */
  match(event: CloudEvent): readonly RouteRow[] {
    const number = ++this.#events
    let matches: RouteRow[] | undefined
    const take = (bucket: Bucket) => {
      for (const { row, rest, matched } of bucket) {
        if (matched?.event === number || !rest.every((clause) => clause.meets(event))) continue
        if (matched !== undefined) matched.event = number
        if (matches === undefined) matches = [row]
        else matches.push(row)
      }
    }
    take(this.#unconditional)
    for (const pivot of this.#groups.size > event.attributes.size ? comparedNames(event) : this.#groups.keys()) {
      for (const { names, buckets } of this.#groups.get(pivot)?.values() ?? []) {
        const key = keyOf(names, event)
        const bucket = key === undefined ? undefined : buckets.get(key)
        if (bucket !== undefined) take(bucket)
      }
    }
    return matches ?? NO_ROUTES
  }

  #insert(entry: Entry, exact: Way['exact']): Place {
    const names = [...exact.keys()].sort()
    const pivot = names.find((name) => !USUAL.has(name)) ?? names[0]
    const signature = JSON.stringify(names)
    const key = keyOfTexts(names.map((name) => exact.get(name) as string))
    if (pivot === undefined) add(this.#unconditional, entry)
    else {
      const groups = at(this.#groups, pivot, () => new Map<string, Group>())
      const group = at(groups, signature, () => ({ names, buckets: new Map() }))
      add(
        at(group.buckets, key, () => []),
        entry,
      )
    }
    return { entry, pivot, signature, key }
  }

  #delete({ entry, pivot, signature, key }: Place): void {
    const groups = pivot === undefined ? undefined : this.#groups.get(pivot)
    const buckets = groups?.get(signature)?.buckets
    const bucket = buckets?.get(key) ?? this.#unconditional
    remove(bucket, entry)
    if (bucket.length === 0) buckets?.delete(key)
    if (buckets?.size === 0) groups?.delete(signature)
    if (groups?.size === 0 && pivot !== undefined) this.#groups.delete(pivot)
  }
}

function add(bucket: Bucket, entry: Entry): void {
  entry.at = bucket.push(entry) - 1
}

/** The last one takes its place. */
function remove(bucket: Bucket, entry: Entry): void {
  const last = bucket.pop()
  if (last === undefined || last === entry) return
  bucket[entry.at] = last
  last.at = entry.at
}

function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
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

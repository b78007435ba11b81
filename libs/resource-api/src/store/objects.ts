import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import { Committer } from './committer.ts'
import { HISTORY, MAX_OBJECT_BYTES, type RegistryOptions } from './config.ts'
import { definitions } from './definitions.ts'
import { type Change, type Entry, frozen, withResourceVersion } from './entry.ts'
import { gaugeObjects, storeEvents } from './events.ts'
import { History } from './history.ts'
import { Interned } from './interned.ts'
import type { Link } from './link.ts'
import { Owners } from './owners.ts'
import type { Opened, Row } from './protocol.ts'
import { refused } from './refusals.ts'
import { type Resource, resourcesOf } from './resource.ts'
import { sharing } from './sharing.ts'

/** A change that was decided and is not yet on its way. */
export interface Decided {
  readonly change: Change
  readonly row: Row
}

/** All objects in memory, as the file has them; what is decided is written by `commit`, in the order of deciding. */
export class Objects {
  readonly history: History
  readonly owners = new Owners()
  readonly #options: RegistryOptions
  readonly #resources: ReturnType<typeof resourcesOf>
  readonly #committer: Committer
  readonly #link: Link
  readonly #interned = new Interned()
  readonly #gauge: Disposable
  readonly #listeners = new Set<(change: Change) => void>()
  /** The newest number given to a decision. */
  #assigned: number
  /** The newest change that is on disk. */
  current: number

  private constructor(options: RegistryOptions, link: Link, { compacted }: Opened) {
    this.#options = options
    this.#link = link
    this.#resources = resourcesOf(options.table)
    this.history = new History({ ...HISTORY, ...options.history }, compacted)
    this.#assigned = compacted
    this.current = compacted
    this.#gauge = gaugeObjects(options.telemetry, this)
    this.#committer = new Committer({
      link,
      apply: (change) => this.#apply(change),
      forgetPending: () => {
        for (const resource of this.#resources.values()) resource.forgetPending()
      },
      events: storeEvents(options.telemetry),
    })
  }

  /** Rejects with StoreError. */
  static async load(options: RegistryOptions, link: Link): Promise<Objects> {
    const opened = await link.ask<Opened>({ op: 'open', path: options.path })
    const objects = new Objects(options, link, opened)
    await objects.#load()
    return objects
  }

  async #load(): Promise<void> {
    const byId = new Map([...this.#resources.values()].map((resource) => [resource.id, resource]))
    const strangers = new Set<string>()
    let rows: readonly Row[]
    let after = 0
    do {
      rows = await this.#link.ask<readonly Row[]>({ op: 'load', after })
      for (const row of rows) {
        const resource = byId.get(row.resource)
        if (resource === undefined) strangers.add(row.resource)
        else this.#replay(resource, row)
      }
      after = rows.at(-1)?.rv ?? after
    } while (rows.length > 0)
    this.#assigned = Math.max(this.#assigned, after)
    this.current = this.#assigned
    if (strangers.size > 0)
      this.#options.telemetry.log.warn({ resources: [...strangers] }, 'stored objects are of kinds that are not served')
    for (const resource of this.#resources.values())
      if (resource.kind.isReadOnly)
        for (const entry of definitions(this.#options.table, this.#options.clock.now()))
          resource.entries.set(entry.key, entry)
  }

  #replay(resource: Resource, row: Row): void {
    const { rv, at, key, object } = row
    const before = resource.entries.get(key)
    const now = object === null ? undefined : this.#entryOf(resource, row, object, before)
    const change: Change = { rv, at, resource, key, before, now }
    resource.apply(change)
    this.owners.apply(change)
    if (rv > this.history.compacted) this.history.add(change)
  }

  #entryOf(resource: Resource, { key, rv, at }: Row, json: string, before: Entry | undefined): Entry {
    const object = this.#kept(resource.toStored(JSON.parse(json) as ApiObject), before)
    return { key, rv, at, object, bytes: json.length }
  }

  #kept(object: ApiObject, before: Entry | undefined): ApiObject {
    return frozen(sharing(this.#interned.of(object), before?.object))
  }

  of(served: Pick<ServedVersion, 'kind'>): Resource {
    return this.#resources.get(served.kind) as Resource
  }

  /** By what a reference says; undefined: no such kind is served. */
  named(apiVersion: string, kind: string): Resource | undefined {
    const served = this.#options.table.ofKind(apiVersion, kind)
    return served && this.of(served)
  }

  get resources(): Iterable<Resource> {
    return this.#resources.values()
  }

  /**
   * Object undefined: it goes. The next decision sees it, readers only once it is on disk. Throws
   * RequestEntityTooLarge.
   */
  decide(resource: Resource, key: string, object: ApiObject | undefined): Decided {
    const [rv, at, before] = [this.#assigned + 1, this.#options.clock.now(), resource.latest(key)]
    const stored = object && this.#kept(withResourceVersion(resource.toStored(object), rv), before)
    const json = stored === undefined ? null : JSON.stringify(stored)
    checkSize(json ?? '')
    this.#assigned = rv
    const now = stored && { key, rv, at, object: stored, bytes: json?.length ?? 0 }
    resource.expect(key, now)
    const change = { rv, at, resource, key, before, now }
    return { change, row: { rv, at, resource: resource.id, key, object: json } }
  }

  commit(decided: readonly Decided[]): Promise<void> {
    return this.#committer.submit(
      decided.map(({ change }) => change),
      decided.map(({ row }) => row),
    )
  }

  settled(): Promise<void> {
    return this.#committer.settled()
  }

  /** Before anybody who watches hears of it. */
  changed(listener: (change: Change) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  compact(): void {
    const compaction = this.history.compact(this.#options.clock.now())
    if (compaction !== undefined) this.#committer.compact(compaction)
  }

  #apply(change: Change): void {
    const { resource } = change
    resource.apply(change)
    this.owners.apply(change)
    this.history.add(change)
    this.current = change.rv
    this.compact()
    for (const tell of [...this.#listeners, ...resource.watchers]) {
      try {
        tell(change)
      } catch (error) {
        this.#options.telemetry.log.error({ error, resource: resource.id }, 'who watches failed at a change')
      }
    }
  }

  async close(): Promise<void> {
    this.#gauge[Symbol.dispose]()
    await this.settled().catch(() => undefined)
    await this.#link.close()
  }
}

/** Throws RequestEntityTooLarge. */
export function checkSize(json: string): void {
  const bytes = Buffer.byteLength(json)
  if (bytes > MAX_OBJECT_BYTES)
    throw refused('RequestEntityTooLarge', `the object has ${bytes} bytes, at most ${MAX_OBJECT_BYTES} are stored`)
}

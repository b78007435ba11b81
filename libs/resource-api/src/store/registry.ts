import type { ApiObject, ApiTable, ServedVersion } from '@sluice/resources/api'
import type {
  Deleted,
  DeleteOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  Registry,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
  Written,
} from '../registry.ts'
import { Collector } from './collector.ts'
import { MAX_OBJECT_BYTES, type RegistryOptions, UPKEEP_INTERVAL_MS } from './config.ts'
import { checkNamespace, created } from './create.ts'
import { keyOf } from './entry.ts'
import { list } from './list.ts'
import { timestamp } from './names.ts'
import type { Decided, Objects } from './objects.ts'
import { alreadyExists, badRequest, methodNotAllowed, notFound, refused, serviceUnavailable } from './refusals.ts'
import { decideRemoval } from './removal.ts'
import { converted, type Resource } from './resource.ts'
import { isHeld, isNoChange, updated } from './update.ts'
import { type Watcher, watch } from './watch.ts'

interface Decision<T> {
  readonly value: T
  readonly changes: readonly Decided[]
}

/** The verbs over the objects: every write is decided at once, in the order of asking, and answered once it is stored. */
export class SqliteRegistry implements Registry {
  readonly table: ApiTable
  readonly #options: RegistryOptions
  readonly #objects: Objects
  readonly #collector: Collector
  readonly #watchers = new Set<Watcher>()
  #upkeep: Disposable
  #isClosed = false

  constructor(options: RegistryOptions, objects: Objects) {
    this.table = options.table
    this.#options = options
    this.#objects = objects
    const { clock, telemetry } = options
    this.#collector = new Collector({ objects, clock, log: telemetry.log })
    this.#upkeep = this.#scheduleUpkeep()
  }

  get(served: ServedVersion, key: ObjectKey): ApiObject {
    const resource = this.#objects.of(served)
    const entry = resource.entries.get(keyOf(key))
    if (entry === undefined) throw notFound(served, key.name)
    return converted(resource.kind, entry.object, served)
  }

  list(served: ServedVersion, options: ListOptions): ObjectList {
    return list(this.#reading(served), served, options)
  }

  watch(served: ServedVersion, options: WatchOptions, on: (event: WatchEvent) => void): Disposable {
    const watcher = watch(this.#reading(served), served, options, on)
    this.#watchers.add(watcher)
    return {
      [Symbol.dispose]: () => {
        watcher[Symbol.dispose]()
        this.#watchers.delete(watcher)
      },
    }
  }

  #reading(served: ServedVersion) {
    const { history, current } = this.#objects
    return { resource: this.#objects.of(served), history, current }
  }

  create(
    served: ServedVersion,
    namespace: string | undefined,
    object: unknown,
    options: WriteOptions,
  ): Promise<Written> {
    return this.#write(() => {
      const resource = this.#writable(served, 'create')
      return this.#create(resource, served, namespace, object, options)
    })
  }

  #create(
    resource: Resource,
    served: ServedVersion,
    namespace: string | undefined,
    object: unknown,
    options: WriteOptions,
  ): Decision<Written> {
    if ((namespace === undefined) !== (served.kind.scope === 'Cluster'))
      throw badRequest(
        namespace === undefined
          ? 'an empty namespace may not be set during creation'
          : 'namespace is not allowed on this type',
      )
    const keyFor = (name: string) => keyOf(namespace === undefined ? { name } : { namespace, name })
    const isTaken = (name: string) => resource.latest(keyFor(name)) !== undefined
    const admitted = created(() => this.#options.clock.now(), { served, namespace, object, options, isTaken })
    const name = String(admitted.object.metadata.name)
    if (namespace !== undefined) checkNamespace(served, name, namespace, this.#namespace(namespace))
    if (isTaken(name)) throw alreadyExists(served, name)
    const next = this.#withFields(served, undefined, admitted.object, options)
    return this.#decided(resource, keyFor(name), served, next, { isNew: true, warnings: admitted.warnings }, options)
  }

  update(served: ServedVersion, key: ObjectKey, object: unknown, options: WriteOptions): Promise<Written> {
    return this.#write(() => {
      const resource = this.#writable(served, 'update')
      return this.#update(resource, served, key, () => object, options)
    })
  }

  #update(
    resource: Resource,
    served: ServedVersion,
    key: ObjectKey,
    next: (live: ApiObject) => unknown,
    options: WriteOptions,
  ): Decision<Written> {
    const entry = resource.latest(keyOf(key))
    if (entry === undefined) throw notFound(served, key.name)
    const live = converted(resource.kind, entry.object, served)
    const { object, warnings } = updated({ served, live, object: next(live), options })
    const written = this.#withFields(served, live, object, options)
    if (isNoChange(live, written)) return { value: { object: live, isNew: false, warnings }, changes: [] }
    const isGone = live.metadata.deletionTimestamp !== undefined && !isHeld(written)
    if (isGone && !options.dryRun) {
      const decided = this.#objects.decide(resource, entry.key, undefined)
      return { value: { object: written, isNew: false, warnings }, changes: [decided] }
    }
    return this.#decided(resource, entry.key, served, written, { isNew: false, warnings }, options)
  }

  patch(served: ServedVersion, key: ObjectKey, patch: Patch, options: WriteOptions): Promise<Written> {
    return this.#write(() => {
      this.#writable(served, 'patch')
      throw refused(
        'UnsupportedMediaType',
        `a patch of type ${patch.type} to ${key.name} (${options.fieldManager}) is not supported yet`,
      )
    })
  }

  delete(served: ServedVersion, key: ObjectKey, options: DeleteOptions): Promise<Deleted> {
    return this.#write(() => this.#delete(this.#writable(served, 'delete'), served, key, options))
  }

  deleteCollection(served: ServedVersion, selection: Selection, options: DeleteOptions): Promise<readonly Deleted[]> {
    return this.#write(() => {
      const resource = this.#writable(served, 'deletecollection')
      const { items } = this.list(served, selection)
      const decisions = items.flatMap(({ metadata }) => {
        const key = metadata as ObjectKey
        if (resource.latest(keyOf(key)) === undefined) return []
        return this.#delete(resource, served, key, options)
      })
      return { value: decisions.map(({ value }) => value), changes: decisions.flatMap(({ changes }) => changes) }
    })
  }

  #delete(resource: Resource, served: ServedVersion, key: ObjectKey, options: DeleteOptions): Decision<Deleted> {
    const entry = resource.latest(keyOf(key))
    if (entry === undefined) throw notFound(served, key.name)
    return decideRemoval(this.#objects, resource, entry, { ...options, served, now: this.#options.clock.now() })
  }

  /** The object, as it will be shown once it is stored. */
  #decided(
    resource: Resource,
    key: string,
    served: ServedVersion,
    next: ApiObject,
    rest: Omit<Written, 'object'>,
    { dryRun }: WriteOptions,
  ): Decision<Written> {
    const bytes = Buffer.byteLength(JSON.stringify(next))
    if (bytes > MAX_OBJECT_BYTES)
      throw refused('RequestEntityTooLarge', `the object has ${bytes} bytes, at most ${MAX_OBJECT_BYTES} are stored`)
    if (dryRun) return { value: { object: next, ...rest }, changes: [] }
    const decided = this.#objects.decide(resource, key, next)
    return {
      value: { object: converted(resource.kind, decided.object as ApiObject, served), ...rest },
      changes: [decided],
    }
  }

  #withFields(served: ServedVersion, live: ApiObject | undefined, next: ApiObject, options: WriteOptions): ApiObject {
    const { fields, clock } = this.#options
    if (fields === undefined) return next
    const { fieldManager: manager, subresource } = options
    const writer = { manager, time: timestamp(clock.now()), ...(subresource && { subresource }) }
    return fields.update({ live, next, schema: served.structural, writer })
  }

  #writable(served: ServedVersion, verb: string): Resource {
    if (served.kind.isReadOnly) throw methodNotAllowed(served, verb)
    return this.#objects.of(served)
  }

  #namespace(name: string): ApiObject | undefined {
    return this.#objects.named('v1', 'Namespace')?.latest(name)?.object
  }

  /** A refusal, too, is answered only once what it was judged by is stored. */
  async #write<T>(decide: () => Decision<T>): Promise<T> {
    if (this.#isClosed) throw serviceUnavailable('the resource API is closed')
    let decision: Decision<T>
    try {
      decision = decide()
    } catch (error) {
      await this.#objects.settled()
      throw error
    }
    await (decision.changes.length > 0 ? this.#objects.commit(decision.changes) : this.#objects.settled())
    return decision.value
  }

  #scheduleUpkeep(): Disposable {
    return this.#options.clock.after(UPKEEP_INTERVAL_MS, () => {
      this.#objects.compact()
      this.#collector.lookAtEvents()
      for (const watcher of this.#watchers) watcher.bookmark(this.#objects.current)
      this.#upkeep = this.#scheduleUpkeep()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#upkeep[Symbol.dispose]()
    await this.#collector[Symbol.asyncDispose]()
    for (const watcher of this.#watchers) watcher[Symbol.dispose]()
    await this.#objects.close()
  }
}

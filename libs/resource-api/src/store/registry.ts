import type { ApiObject, ApiTable, ServedVersion } from '@sluice/resources/api'
import type { Writer } from '../fields/fields.ts'
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
import { type RegistryOptions, UPKEEP_INTERVAL_MS } from './config.ts'
import { checkNamespace, checkScope, created, type Making } from './create.ts'
import { type Entry, keyOf } from './entry.ts'
import { list } from './list.ts'
import { timestamp } from './names.ts'
import { checkSize, type Decided, type Objects } from './objects.ts'
import { applied, patched } from './patched.ts'
import { alreadyExists, badRequest, methodNotAllowed, notFound, serviceUnavailable } from './refusals.ts'
import { decideRemoval } from './removal.ts'
import { converted, type Resource } from './resource.ts'
import { isHeld, isNoChange, updated } from './update.ts'
import { type Watcher, watch } from './watch.ts'

interface Creating {
  readonly served: ServedVersion
  readonly namespace: string | undefined
  readonly object: unknown
  readonly options: WriteOptions
  /** Adds managedFields. */
  readonly track: (next: ApiObject) => ApiObject
}
type Updating = Omit<Creating, 'namespace'> & { readonly live: ApiObject }

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
  readonly #making: Making
  #isClosed = false

  constructor(options: RegistryOptions, objects: Objects) {
    this.table = options.table
    this.#options = options
    this.#objects = objects
    this.#making = { now: () => options.clock.now(), newUid: options.newUid }
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
      const track = (next: ApiObject) => this.#tracked(served, undefined, next, options)
      return this.#create(this.#writable(served, 'create'), { served, namespace, object, options, track })
    })
  }

  #create(resource: Resource, { served, namespace, object, options, track }: Creating): Decision<Written> {
    checkScope(served, namespace)
    const keyFor = (name: string) => keyOf(namespace === undefined ? { name } : { namespace, name })
    const isTaken = (name: string) => resource.latest(keyFor(name)) !== undefined
    const admitted = created(this.#making, { served, namespace, object, options, isTaken })
    const name = String(admitted.object.metadata.name)
    if (namespace !== undefined) checkNamespace(served, name, namespace, this.#namespace(namespace))
    if (isTaken(name)) throw alreadyExists(served, name)
    const rest = { isNew: true, warnings: admitted.warnings }
    return this.#decided(resource, keyFor(name), served, track(admitted.object), rest, options)
  }

  update(served: ServedVersion, key: ObjectKey, object: unknown, options: WriteOptions): Promise<Written> {
    return this.#write(() => {
      const resource = this.#writable(served, 'update')
      const { entry, live } = this.#latest(resource, served, key)
      const track = (next: ApiObject) => this.#tracked(served, live, next, options)
      return this.#update(resource, entry.key, { served, live, object, options, track })
    })
  }

  #update(resource: Resource, key: string, { served, live, object, options, track }: Updating): Decision<Written> {
    const admitted = updated({ served, live, object, options })
    const rest = { isNew: false, warnings: admitted.warnings }
    const next = track(admitted.object)
    if (isNoChange(live, next)) return { value: { object: live, ...rest }, changes: [] }
    const isGone = live.metadata.deletionTimestamp !== undefined && !isHeld(next)
    if (!isGone || options.dryRun) return this.#decided(resource, key, served, next, rest, options)
    return { value: { object: next, ...rest }, changes: [this.#objects.decide(resource, key, undefined)] }
  }

  patch(served: ServedVersion, key: ObjectKey, patch: Patch, options: WriteOptions): Promise<Written> {
    return this.#write(() => {
      const resource = this.#writable(served, 'patch')
      if (patch.type === 'apply') return this.#apply(resource, served, key, patch, options)
      const { entry, live } = this.#latest(resource, served, key)
      const object = patched(this.#options.patches, live, patch, served)
      const track = (next: ApiObject) => this.#tracked(served, live, next, options)
      return this.#update(resource, entry.key, { served, live, object, options, track })
    })
  }

  #apply(
    resource: Resource,
    served: ServedVersion,
    key: ObjectKey,
    patch: Extract<Patch, { type: 'apply' }>,
    options: WriteOptions,
  ): Decision<Written> {
    const entry = resource.latest(keyOf(key))
    if (entry === undefined && options.subresource !== undefined) throw notFound(served, key.name)
    const live = entry && converted(resource.kind, entry.object, served)
    const object = applied(this.#options.fields, served, live, patch, key, this.#writer(options))
    const { managedFields } = object.metadata
    const track = (next: ApiObject) => ({ ...next, metadata: { ...next.metadata, managedFields } })
    if (entry !== undefined && live !== undefined)
      return this.#update(resource, entry.key, { served, live, object, options, track })
    return this.#create(resource, { served, namespace: key.namespace, object, options, track })
  }

  #latest(resource: Resource, served: ServedVersion, key: ObjectKey): { entry: Entry; live: ApiObject } {
    const entry = resource.latest(keyOf(key))
    if (entry === undefined) throw notFound(served, key.name)
    return { entry, live: converted(resource.kind, entry.object, served) }
  }

  delete(served: ServedVersion, key: ObjectKey, options: DeleteOptions): Promise<Deleted> {
    return this.#write(() => this.#delete(this.#writable(served, 'delete'), served, key, options))
  }

  async deleteCollection(
    served: ServedVersion,
    selection: Selection,
    options: DeleteOptions,
  ): Promise<readonly Deleted[]> {
    const refusals: unknown[] = []
    const deleted = await this.#write(() => {
      const resource = this.#writable(served, 'deletecollection')
      const decisions = this.list(served, selection).items.flatMap(({ metadata }) => {
        if (resource.latest(keyOf(metadata as ObjectKey)) === undefined) return []
        try {
          return this.#delete(resource, served, metadata as ObjectKey, options)
        } catch (error) {
          refusals.push(error)
          return []
        }
      })
      return { value: decisions.map(({ value }) => value), changes: decisions.flatMap(({ changes }) => changes) }
    })
    // the others are gone all the same
    if (refusals.length > 0) throw refusals[0]
    return deleted
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
    if (dryRun) {
      checkSize(JSON.stringify(next))
      return { value: { object: next, ...rest }, changes: [] }
    }
    const decided = this.#objects.decide(resource, key, next)
    const stored = converted(resource.kind, decided.change.now?.object as ApiObject, served)
    return { value: { object: stored, ...rest }, changes: [decided] }
  }

  /** With managedFields brought up to date. */
  #tracked(served: ServedVersion, live: ApiObject | undefined, next: ApiObject, options: WriteOptions): ApiObject {
    const { fields } = this.#options
    return fields?.update({ live, next, schema: served.structural, writer: this.#writer(options) }) ?? next
  }

  #writer({ fieldManager: manager, subresource }: WriteOptions): Writer {
    return { manager, time: timestamp(this.#options.clock.now()), ...(subresource && { subresource }) }
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
      // the stack, which is all that a value without end overflows
      throw (error as Error).name === 'RangeError' ? badRequest('the object is nested too deeply') : error
    }
    await (decision.changes.length > 0 ? this.#objects.commit(decision.changes) : this.#objects.settled())
    return decision.value
  }

  #scheduleUpkeep(): Disposable {
    return this.#options.clock.after(UPKEEP_INTERVAL_MS, () => {
      this.#objects.compact()
      this.#collector.lookAtEvents()
      for (const watcher of this.#watchers) this.#bookmark(watcher)
      this.#upkeep = this.#scheduleUpkeep()
    })
  }

  #bookmark(watcher: Watcher): void {
    try {
      watcher.bookmark(this.#objects.current)
    } catch (error) {
      this.#options.telemetry.log.error({ error }, 'who watches failed at a bookmark')
    }
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

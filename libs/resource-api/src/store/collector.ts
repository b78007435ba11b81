import type { Clock } from '@sluice/clock'
import type { Logger } from '@sluice/telemetry'
import { type Change, keyOf } from './entry.ts'
import { judge } from './garbage.ts'
import type { Decided, Objects } from './objects.ts'
import { ownersOf, type Place } from './owners.ts'

interface CollectorDeps {
  readonly objects: Objects
  readonly clock: Clock
  readonly log: Logger
}

/** Judged at once; the rest waits until these are stored, so that no request waits long. */
const STEP = 200
const RETRY_MS = 1_000

/**
 * Deletes what nobody owns any more, what is in a namespace that goes, and old Events; lets go of owners that waited.
 * It keeps nothing but whom to look at: at start that is every object that could be concerned.
 */
export class Collector implements AsyncDisposable {
  readonly #deps: CollectorDeps
  readonly #due = new Map<string, Place>()
  readonly #later = new Map<string, Disposable>()
  readonly #listening: Disposable
  #running: Promise<void> | undefined
  #retry: Disposable | undefined
  #isClosed = false

  constructor(deps: CollectorDeps) {
    this.#deps = deps
    this.#listening = deps.objects.changed((change) => this.#changed(change))
    for (const resource of deps.objects.resources)
      for (const { key, object } of resource.entries.values()) {
        const { deletionTimestamp, ownerReferences } = object.metadata
        if (deletionTimestamp !== undefined || ownerReferences !== undefined) this.#look({ resource, key })
      }
  }

  lookAtEvents(): void {
    const resource = this.#deps.objects.named('v1', 'Event')
    for (const key of resource?.entries.keys() ?? []) this.#look({ resource: resource as Place['resource'], key })
  }

  #changed({ resource, key, before, now }: Change): void {
    const { owners } = this.#deps.objects
    if (now === undefined)
      for (const place of owners.dependentsOf(String(before?.object.metadata.uid))) this.#look(place)
    else if (now.object.metadata.deletionTimestamp !== undefined || ownersOf(now.object).length > 0)
      this.#look({ resource, key })
    // an owner or a namespace may have waited for it
    for (const { uid } of ownersOf(before?.object)) this.#lookIfDeleting(owners.ofUid(uid))
    const { namespace } = before?.object.metadata ?? {}
    if (now !== undefined || namespace === undefined) return
    const namespaces = this.#deps.objects.named('v1', 'Namespace')
    this.#lookIfDeleting(namespaces && { resource: namespaces, key: keyOf({ name: namespace }) })
  }

  #lookIfDeleting(place: Place | undefined): void {
    if (place?.resource.latest(place.key)?.object.metadata.deletionTimestamp !== undefined) this.#look(place)
  }

  #look(place: Place): void {
    this.#due.set(`${place.resource.id} ${place.key}`, place)
    this.#start()
  }

  #lookLater(place: Place, delayMs: number): void {
    const id = `${place.resource.id} ${place.key}`
    if (this.#later.has(id)) return
    const timer = this.#deps.clock.after(delayMs, () => {
      this.#later.delete(id)
      this.#look(place)
    })
    this.#later.set(id, timer)
  }

  #start(): void {
    if (this.#isClosed || this.#running !== undefined || this.#retry !== undefined) return
    this.#running = Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined
        if (this.#due.size > 0) this.#start()
      })
  }

  /** What may not be deleted stays. */
  #judge(place: Place): readonly Decided[] {
    const { objects, clock, log } = this.#deps
    const look = (other: Place) => this.#look(other)
    const lookLater = (other: Place, delayMs: number) => this.#lookLater(other, delayMs)
    try {
      return judge({ objects, now: clock.now(), look, lookLater }, place)
    } catch (error) {
      log.warn({ error, resource: place.resource.id, object: place.key }, 'an object can not be collected')
      return []
    }
  }

  async #run(): Promise<void> {
    const { objects, clock, log } = this.#deps
    while (this.#due.size > 0 && !this.#isClosed) {
      const places: (readonly [string, Place])[] = []
      const decided: Decided[] = []
      for (const [id, place] of this.#due) {
        if (places.length === STEP) break
        this.#due.delete(id)
        places.push([id, place])
        decided.push(...this.#judge(place))
      }
      if (decided.length === 0) continue
      try {
        await objects.commit(decided)
      } catch (error) {
        for (const [id, place] of places) this.#due.set(id, place)
        log.warn({ error }, 'collecting is tried again')
        this.#retry = clock.after(RETRY_MS, () => {
          this.#retry = undefined
          this.#start()
        })
        return
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#listening[Symbol.dispose]()
    this.#retry?.[Symbol.dispose]()
    for (const timer of this.#later.values()) timer[Symbol.dispose]()
    await this.#running
  }
}

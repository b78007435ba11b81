import { type Clock, sleep } from '@sluice/clock'
import { EventingError, isFailure } from '@sluice/errors'
import { type Requests, refusal, type WatchLine } from '@sluice/kubernetes'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import { keyOf, ObjectCache } from '../object-cache.ts'
import type { Informer, ObjectChange, ObjectKey } from '../resource-client.ts'
import { pathOf } from './path-of.ts'

const PAGE = 500
/** The server ends a watch then; it is taken up where it ended. */
const WATCH_MS = 60_000
/** A watch that has not ended by then hangs on a connection that nobody serves. */
const STALLED_MS = WATCH_MS + 15_000
/** A shorter watch did not work, whatever it told. Source: client-go, Reflector, "very short watch". */
const SHORT_MS = 1_000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000

export interface ListWatchDeps {
  readonly requests: Requests
  readonly kind: ServedVersion
  readonly clock: Clock
  /** It could not be listed or watched; the objects stay as they were known. */
  failed(kind: string, retryInMs: number, error: unknown): void
}

/**
 * A copy of a kind's objects, kept through whatever happens to the connection or the server's history:
 *
 *   list ─► watch ── ends, cut, stalled ─► watch from the last version seen
 *     ▲       └── history is gone (410) ──┐
 *     └───────────────────────────────────┘  what the new list lacks is told as removed
 */
export class ListWatch implements Informer, AsyncDisposable {
  readonly synced: Promise<void>
  readonly #deps: ListWatchDeps
  readonly #cache = new ObjectCache()
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #version: string | undefined
  /** By the watch at hand. */
  #wasTold = false

  constructor(deps: ListWatchDeps) {
    this.#deps = deps
    const { promise, resolve } = Promise.withResolvers<void>()
    this.synced = promise
    this.#running = this.#run(resolve)
  }

  get(key: ObjectKey): ApiObject | undefined {
    return this.#cache.get(key)
  }

  list(namespace?: string): readonly ApiObject[] {
    return this.#cache.list(namespace)
  }

  changed(listener: (change: ObjectChange) => void): Disposable {
    return this.#cache.changed(listener)
  }

  async #run(isSynced: () => void): Promise<void> {
    const { clock, kind, failed } = this.#deps
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      const began = clock.monotonic()
      this.#wasTold = false
      let problem: unknown
      try {
        if (this.#version === undefined) {
          await this.#relist()
          isSynced()
        }
        await this.#watch()
        if (clock.monotonic() - began >= SHORT_MS) {
          failures = 0
          continue
        }
      } catch (error) {
        problem = error
      }
      if (this.#stop.signal.aborted) return
      if (isGone(problem)) this.#version = undefined
      // what told something worked, however it ended
      if (this.#wasTold) failures = 0
      const waitMs = retryInMs(failures++)
      // history that is gone is no failure, unless it is again and again
      if (problem !== undefined && !(isGone(problem) && failures === 1)) failed(kind.kind.kind, waitMs, problem)
      await sleep(clock, waitMs, this.#stop.signal)
    }
  }

  async #relist(): Promise<void> {
    const { requests, kind } = this.#deps
    const listed = new Map<string, ApiObject>()
    let version = ''
    let next = ''
    do {
      const query = `?limit=${PAGE}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`
      const page = await requests.ask('GET', `${pathOf(kind)}${query}`, undefined, this.#stop.signal)
      const metadata = page.metadata as { readonly resourceVersion: string; readonly continue?: string }
      for (const item of page.items as readonly ApiObject[]) {
        // a list of Kubernetes' own kinds does not repeat what its items are
        const object = { ...item, apiVersion: kind.apiVersion, kind: kind.kind.kind }
        listed.set(textOf(object), object)
      }
      version = metadata.resourceVersion
      next = metadata.continue ?? ''
    } while (next !== '')
    for (const object of this.#cache.list()) if (!listed.has(textOf(object))) this.#cache.put(keyOf(object), undefined)
    for (const object of listed.values()) this.#put(object)
    this.#version = version
  }

  async #watch(): Promise<void> {
    const { requests, kind, clock } = this.#deps
    const stalled = new AbortController()
    using _ = clock.after(STALLED_MS, () => stalled.abort(new Error('the watch stalled')))
    const query = new URLSearchParams({
      ...{ watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH_MS / 1000) },
      resourceVersion: String(this.#version),
    })
    const signal = AbortSignal.any([this.#stop.signal, stalled.signal])
    for await (const lines of requests.watch(`${pathOf(kind)}?${query}`, signal)) {
      if (this.#stop.signal.aborted) return
      for (const line of lines) this.#take(line)
    }
  }

  #take({ type, object }: WatchLine): void {
    if (type === 'ERROR') throw refusal(Number(Object(object).code) || 500, JSON.stringify(object))
    if (type === 'DELETED') this.#cache.put(keyOf(object), undefined)
    else if (type !== 'BOOKMARK') this.#put(object)
    this.#version = String(object.metadata.resourceVersion)
    this.#wasTold = true
  }

  #put(object: ApiObject): void {
    const key = keyOf(object)
    const before = this.#cache.get(key)
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return
    // another object of the same name: that the first one went was missed
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) this.#cache.put(key, undefined)
    this.#cache.put(key, object)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#cache[Symbol.dispose]()
    await this.#running
  }
}

function retryInMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), LONGEST_RETRY_MS)
}

function isGone(error: unknown): boolean {
  return error instanceof EventingError && isFailure(error, 'RESOURCE_REFUSED') && error.detail.status === 410
}

function textOf({ metadata: { namespace = '', name } }: ApiObject): string {
  return `${namespace}/${name}`
}

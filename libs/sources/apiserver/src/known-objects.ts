import { type Clock, sleep } from '@sluice/clock'
import type { SourceState } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import type { Controller, KnownObject, ObjectPlace } from './change.ts'
import { type Stream, streamId } from './stream.ts'

/** Of one write; the desk takes no more. */
const WRITE_KEYS = 900
const READ_KEYS = 1_000
/** What is known and not on disk yet, before whoever adds to it has to wait. */
const MAX_UNSAVED = 100_000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 10_000
const LAST_WRITE_MS = 2_000

export interface KnownObjectsDeps {
  readonly state: SourceState
  readonly stream: Stream
  readonly clock: Clock
  /** What is known is not on disk; it is tried again. */
  readonly failed: (retryInMs: number, error: unknown) => void
  readonly kept: () => void
}

type Entry = KnownObject & { mark: number }
/** What is not on disk yet; undefined: removed. */
interface Unsaved {
  readonly objects: Map<string, string | undefined>
  version: string | undefined
}
type Kept = [uid: string, version: string, apiVersion?: string, kind?: string]

/**
 * Every object that one list and watch has told of, and how far it came. In memory, and behind it on the desk: what is
 * there is never ahead of what was stored, and a holder who begins there tells the rest again, with the same ids.
 */
export class KnownObjects implements AsyncDisposable {
  readonly #deps: KnownObjectsDeps
  readonly #id: string
  readonly #objects = new Map<string, Entry>()
  readonly #controllers = new Map<string, Controller>()
  readonly #over = new AbortController()
  #unsaved: Unsaved = { objects: new Map(), version: undefined }
  #mark = 0
  #version: string | undefined
  #writing: Promise<void> | undefined
  #fault: unknown

  private constructor(deps: KnownObjectsDeps) {
    this.#deps = deps
    this.#id = streamId(deps.stream)
  }

  static async load(deps: KnownObjectsDeps): Promise<KnownObjects> {
    const known = new KnownObjects(deps)
    await known.#load()
    return known
  }

  /** Of the API server, up to which everything is told; undefined until the first listing is complete. */
  get version(): string | undefined {
    return this.#version
  }

  get size(): number {
    return this.#objects.size
  }

  get(place: ObjectPlace): KnownObject | undefined {
    return this.#objects.get(textOf(place))
  }

  /** From now on it counts which objects are put or kept. */
  beginListing(): void {
    this.#mark++
  }

  keep(place: ObjectPlace): void {
    const entry = this.#objects.get(textOf(place))
    if (entry !== undefined) entry.mark = this.#mark
  }

  /** Those that the listing did not have. */
  *missing(): Iterable<readonly [ObjectPlace, KnownObject]> {
    for (const [text, entry] of this.#objects) if (entry.mark !== this.#mark) yield [placeIn(text), entry]
  }

  /** What was told and is stored; undefined: it is gone. Waits while too much is not on disk. Rejects when it never will be. */
  async put(changes: Iterable<readonly [ObjectPlace, KnownObject | undefined]>, version?: string): Promise<void> {
    for (const [place, known] of changes) this.#put(textOf(place), known)
    if (version !== undefined) {
      this.#version = version
      this.#unsaved.version = version
    }
    this.#write()
    while (this.#unsaved.objects.size > MAX_UNSAVED && this.#writing !== undefined) await this.#writing
    if (this.#fault !== undefined) throw this.#fault
  }

  #put(text: string, known: KnownObject | undefined): void {
    const key = `${this.#prefix}${text}`
    if (known === undefined) {
      this.#objects.delete(text)
      this.#unsaved.objects.set(key, undefined)
      return
    }
    const entry = this.#entry(known)
    this.#objects.set(text, entry)
    const { uid, version, controller } = entry
    const kept: Kept = controller ? [uid, version, controller.apiVersion, controller.kind] : [uid, version]
    this.#unsaved.objects.set(key, JSON.stringify(kept))
  }

  /** One controller is many objects': its texts are kept once. */
  #entry({ uid, version, controller }: KnownObject): Entry {
    if (controller === undefined) return { uid, version, mark: this.#mark }
    const text = `${controller.apiVersion} ${controller.kind}`
    const shared = this.#controllers.get(text) ?? { apiVersion: controller.apiVersion, kind: controller.kind }
    this.#controllers.set(text, shared)
    return { uid, version, controller: shared, mark: this.#mark }
  }

  get #prefix(): string {
    return `object/${this.#id}/`
  }

  async #load(): Promise<void> {
    const { state } = this.#deps
    const kept = await state.get(streamKey(this.#id))
    if (kept !== undefined) this.#version = (JSON.parse(kept) as { version: string }).version
    let after: string | undefined
    for (;;) {
      const page = await state.list(this.#prefix, READ_KEYS, after)
      for (const [key, value] of page) {
        const [uid, version, apiVersion, kind] = JSON.parse(value) as Kept
        const controller = apiVersion !== undefined && kind !== undefined ? { apiVersion, kind } : undefined
        this.#objects.set(
          key.slice(this.#prefix.length),
          this.#entry({ uid, version, ...(controller && { controller }) }),
        )
      }
      after = page.at(-1)?.[0]
      if (after === undefined) return
    }
  }

  get #isSaved(): boolean {
    return this.#unsaved.objects.size === 0 && this.#unsaved.version === undefined
  }

  #write(): void {
    if (this.#isSaved || this.#fault !== undefined) return
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  /** In the background, one write at a time: while the desk is away nothing stands still for it. */
  async #writeAll(): Promise<void> {
    const { clock, failed, kept } = this.#deps
    for (let failures = 0; !this.#isSaved && !this.#over.signal.aborted; ) {
      const taken = this.#unsaved
      this.#unsaved = { objects: new Map(), version: undefined }
      try {
        await this.#writeTaken(taken)
        kept()
        failures = 0
      } catch (error) {
        this.#unsaved.version ??= taken.version
        for (const [key, value] of taken.objects)
          if (!this.#unsaved.objects.has(key)) this.#unsaved.objects.set(key, value)
        if (isFinal(error)) {
          this.#fault = error
          return
        }
        const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS)
        failed(retryInMs, error)
        await sleep(clock, retryInMs, this.#over.signal)
      }
    }
  }

  /** Mostly at once. In parts, removals come late and the version last: it never stands for what is not there. */
  async #writeTaken({ objects, version }: Unsaved): Promise<void> {
    const entries = [...objects].toSorted(([, a], [, b]) => Number(a === undefined) - Number(b === undefined))
    if (version !== undefined) entries.push([streamKey(this.#id), JSON.stringify({ ...this.#deps.stream, version })])
    for (let at = 0; at < entries.length; at += WRITE_KEYS) {
      const part = entries.slice(at, at + WRITE_KEYS)
      await this.#deps.state.put(Object.fromEntries(part))
      for (const [key] of part) objects.delete(key)
    }
  }

  /** Writes once more what is not on disk, for two seconds; the next holder tells the rest again. */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = Promise.withResolvers<void>()
    using _ = this.#deps.clock.after(LAST_WRITE_MS, late.resolve)
    this.#over.abort()
    await Promise.race([this.#writing, late.promise])
    if (this.#isSaved || this.#fault !== undefined) return
    const written = this.#writeTaken(this.#unsaved).catch((error) => this.#deps.failed(0, error))
    await Promise.race([written, late.promise])
  }
}

/** Those that are kept, and told everything there was at least once. */
export async function keptStreams(state: SourceState): Promise<readonly Stream[]> {
  const streams: Stream[] = []
  for (let after: string | undefined; ; ) {
    const page = await state.list(STREAM_PREFIX, READ_KEYS, after)
    for (const [, value] of page) {
      const { version: _, ...stream } = JSON.parse(value) as Stream & { version: string }
      streams.push(stream)
    }
    after = page.at(-1)?.[0]
    if (after === undefined) return streams
  }
}

/** A part at a time, what makes it known last. */
export async function forgetStream(state: SourceState, stream: Stream): Promise<void> {
  const id = streamId(stream)
  for (;;) {
    const page = await state.list(`object/${id}/`, WRITE_KEYS)
    if (page.length === 0) break
    await state.put(Object.fromEntries(page.map(([key]) => [key, undefined])))
  }
  await state.put({ [streamKey(id)]: undefined })
}

const STREAM_PREFIX = 'stream/'

function streamKey(id: string): string {
  return `${STREAM_PREFIX}${id}`
}

/** Another replica has the row: trying again changes nothing. */
function isFinal(error: unknown): boolean {
  return isFailure(error, 'SOURCE_NOT_HELD')
}

function textOf({ namespace, name }: ObjectPlace): string {
  return `${namespace}/${name}`
}

function placeIn(text: string): ObjectPlace {
  const at = text.indexOf('/')
  return { namespace: text.slice(0, at), name: text.slice(at + 1) }
}

import { type Clock, sleep } from '@sluice/clock'
import { EventingError, isFailure } from '@sluice/errors'
import { refusal, type WatchLine } from '@sluice/kubernetes'
import type { ApiObject } from '@sluice/resources/api'
import {
  type Change,
  changesTo,
  changesToGone,
  isOlder,
  type KnownObject,
  knownOf,
  type ObjectPlace,
  placeOf,
} from './change.ts'
import type { KnownObjects } from './known-objects.ts'
import { type ObjectFeed, WATCH_MS } from './object-feed.ts'

/** A watch that is silent for longer hangs on a connection that nobody serves: it should have ended. */
const STALLED_MS = WATCH_MS + 15_000
/** A shorter watch did not work, whatever it told. Source: client-go, Reflector, "very short watch". */
const SHORT_MS = 1_000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000
const JITTER = 0.2
/** Changes that are told before the next are looked at. */
const AT_ONCE = 200
/** A server that does not know a version after so many tries has another history, such as one from a backup. */
const FUTURE_TRIES = 3
/** A server whose watches end at once so many times is listed instead. */
const EMPTY_TRIES = 3

export interface FollowDeps {
  readonly feed: ObjectFeed
  readonly known: KnownObjects
  /** In order for each object; resolves once all are stored, or false when that was given up. */
  readonly tell: (changes: readonly Change[]) => Promise<boolean>
  /** Of an object that is there at the very first listing: whether it is told as added. */
  readonly isNew: (object: ApiObject) => boolean
  readonly clock: Clock
  readonly signal: AbortSignal
  /** For jitter, in [0, 1). */
  readonly random: () => number
  readonly progress: FollowProgress
}

/** What is told of the work itself. */
export interface FollowProgress {
  /** Everything that was there is told, and what comes will be. */
  works(): void
  /** It is tried again; meanwhile nothing is told. */
  failed(retryInMs: number, error: unknown): void
  /** The server's history is gone, or another: all that is there is compared with what was told. */
  compared(objects: number): void
}

/**
 * Tells of every change of the objects, through whatever happens to the connection, the server's history or this process:
 *
 *   first listing ─► watch ── ends, cut, stalled ─► watch from the last version told
 *                      ▲ └── history is gone (410) ──┐
 *                      └───────── list, compare ◄────┘  what differs from what was told is told
 *
 * Resolves when `signal` aborts; rejects when another replica has the row.
 */
export async function followObjects(deps: FollowDeps): Promise<void> {
  const { known, clock, signal, progress, random } = deps
  let isLost = known.version === undefined
  let futures = 0
  let empties = 0
  for (let failures = 0; !signal.aborted; ) {
    const began = clock.monotonic()
    const watched = { wasTold: false, isDoubtful: empties > 0 }
    let problem: unknown
    try {
      if (isLost) {
        await compare(deps)
        isLost = false
        if (empties === 0) failures = 0
      }
      await watch(deps, watched)
      futures = 0
      if (clock.monotonic() - began >= SHORT_MS) {
        progress.works()
        empties = 0
        failures = 0
        continue
      }
      if (!watched.wasTold) problem = endsAtOnce(++empties)
    } catch (error) {
      problem = error
    }
    if (signal.aborted) return
    if (isFailure(problem, 'SOURCE_NOT_HELD')) throw problem
    isLost ||= isGone(problem) || (isOfTheFuture(problem) && ++futures >= FUTURE_TRIES) || empties >= EMPTY_TRIES
    // what told something worked, however it ended
    if (watched.wasTold) failures = empties = 0
    const retryInMs =
      Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures++, 10), LONGEST_RETRY_MS) * (1 + JITTER * random())
    // history that is gone is no failure, unless it is again and again
    if (problem !== undefined && !(isGone(problem) && failures === 1)) progress.failed(retryInMs, problem)
    await sleep(clock, retryInMs, signal)
  }
}

/** Lists, and tells what differs from what was told; the very first time, what is new. May be cut anywhere and begun again. */
async function compare({ feed, known, tell, isNew, signal, progress }: FollowDeps): Promise<void> {
  const isFirst = known.version === undefined
  known.beginListing()
  let version = ''
  let next: string | undefined
  let objects = 0
  do {
    const page = await feed.list(next, signal)
    const told: Change[] = []
    const seen: [ObjectPlace, KnownObject][] = []
    for (const object of page.items) {
      const place = placeOf(object)
      const changes = changesTo(object, known.get(place))
      if (changes.length === 0) known.keep(place)
      else seen.push([place, knownOf(object)])
      const isOldNews = isFirst && changes[0]?.what === 'add' && !isNew(object)
      if (!isOldNews) told.push(...changes)
    }
    if (!(await tell(told))) return
    await known.put(seen)
    objects += page.items.length
    version = page.version
    next = page.next
  } while (next !== undefined && !signal.aborted)
  if (signal.aborted || !(await tellMissing(known, tell))) return
  await known.put([], version)
  if (!isFirst) progress.compared(objects)
}

/** What was told of and the listing does not have is gone. */
async function tellMissing(known: KnownObjects, tell: FollowDeps['tell']): Promise<boolean> {
  for (;;) {
    const gone: Change[] = []
    for (const [place, before] of known.missing()) {
      gone.push({ what: 'delete', place, known: before })
      if (gone.length === AT_ONCE) break
    }
    if (gone.length === 0) return true
    if (!(await tell(gone))) return false
    await known.put(gone.map(({ place }) => [place, undefined] as const))
  }
}

/** Of what is followed no longer: tells which objects went before that, and nothing of those that are there. */
export async function tellLast({
  feed,
  known,
  tell,
  signal,
}: Pick<FollowDeps, 'feed' | 'known' | 'tell' | 'signal'>): Promise<void> {
  known.beginListing()
  let next: string | undefined
  do {
    const page = await feed.list(next, signal)
    for (const object of page.items) {
      const place = placeOf(object)
      if (known.get(place)?.uid === knownOf(object).uid) known.keep(place)
    }
    next = page.next
  } while (next !== undefined && !signal.aborted)
  if (!signal.aborted) await tellMissing(known, tell)
}

async function watch(deps: FollowDeps, watched: { wasTold: boolean; readonly isDoubtful: boolean }): Promise<void> {
  const { feed, known, clock, signal, progress } = deps
  const { version } = known
  if (version === undefined || signal.aborted) return
  const stalled = new AbortController()
  const lines = feed.watch(version, AbortSignal.any([signal, stalled.signal]))[Symbol.asyncIterator]()
  try {
    for (;;) {
      // silence is of the server alone: the time it takes to tell does not count
      using _ = clock.after(STALLED_MS, () => stalled.abort(new Error('the watch stalled')))
      const { value, done } = await lines.next()
      _[Symbol.dispose]()
      if (done === true || signal.aborted) return
      if (value.length > 0 || !watched.isDoubtful) progress.works()
      for (let at = 0; at < value.length; at += AT_ONCE) {
        if (!(await take(deps, value.slice(at, at + AT_ONCE)))) return
        watched.wasTold = true
      }
    }
  } finally {
    await lines.return?.()
  }
}

/** False when it was given up. Throws what an ERROR says, once what came before it is told. */
async function take({ known, tell, signal }: FollowDeps, lines: readonly WatchLine[]): Promise<boolean> {
  const told: Change[] = []
  const now = new Map<string, [ObjectPlace, KnownObject | undefined]>()
  let version = known.version ?? ''
  let failure: unknown
  for (const { type, object } of lines) {
    if (type === 'ERROR') {
      failure = refusal(Number(Object(object).code) || 500, JSON.stringify(object))
      break
    }
    const { version: itsVersion } = knownOf(object)
    const isRepeated = itsVersion === version || isOlder(itsVersion, version)
    if (type !== 'BOOKMARK' && (type === 'DELETED' || !isRepeated)) {
      const place = placeOf(object)
      const key = `${place.namespace}/${place.name}`
      const [, before] = now.get(key) ?? [place, known.get(place)]
      const changes = type === 'DELETED' ? changesToGone(object, before) : changesTo(object, before)
      told.push(...changes)
      if (changes.length > 0) now.set(key, [place, type === 'DELETED' ? undefined : knownOf(object)])
    }
    if (!isRepeated) version = itsVersion
  }
  if (!(await tell(told))) return false
  if (now.size > 0 || version !== known.version) await known.put(now.values(), version)
  if (failure !== undefined && !signal.aborted) throw failure
  return true
}

/** Also of a server that does not like what it is asked for and says so with an empty answer. */
function endsAtOnce(times: number): EventingError {
  const reason = `its watches end at once and say nothing, ${times} times by now`
  return new EventingError({ code: 'RESOURCE_API_UNREACHABLE', reason }, `the objects can't be watched: ${reason}`)
}

function isGone(error: unknown): boolean {
  return isRefused(error) && error.detail.status === 410
}

/** Source: k8s.io/apiserver, storage.NewTooLargeResourceVersionError. */
function isOfTheFuture(error: unknown): boolean {
  return isRefused(error) && /too large resource version/i.test(error.message)
}

function isRefused(error: unknown) {
  return error instanceof EventingError && isFailure(error, 'RESOURCE_REFUSED')
}

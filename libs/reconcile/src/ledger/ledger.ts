import type { Clock } from '@sluice/clock'
import type { AnySourceRow, LogRow, RouteRow, Target } from '@sluice/contract'
import { type Acknowledgements, createAcknowledgements } from './acknowledgements.ts'
import { changesOf } from './changes.ts'
import { createDependents } from './dependents.ts'
import { formerOf } from './former-triggers.ts'
import { byOwner, type GivenRows, hashed, isSameRows, type OwnedRows } from './owned.ts'
import { keepSourceLogs, type SourceLogsDeps } from './source-logs.ts'
import type { LedgerStore } from './store.ts'

const BATCH_MS = 10
/** Publishing takes at most a third of the time, if it is slow. */
const PAUSE = 2
const LONGEST_BATCH_MS = 1000
const RETRY_MS = 2000
/** Of a route whose beginning the revision that brings it says. */
const UNDECIDED = -1

export interface LedgerDeps {
  readonly store: LedgerStore
  readonly clock: Clock
  readonly parkedRetentionMs: number
  readonly isDrained?: SourceLogsDeps['isDrained']
  /** Rows could not be published; tried again in 2 s. */
  failed(error: unknown): void
}

/**
 * Who has which rows, by the uid of the object. It begins with the contract as it is, so that nothing changes until
 * somebody says so. Changes are published together, 10 ms after the first of them,
 * later if publishing is slow.
 */
export interface Ledger extends AsyncDisposable, Pick<Acknowledgements, 'standing' | 'changed'> {
  /** As they are to be: the last that were put, published or not. */
  rows(owner: string): OwnedRows
  /** All rows of the object from now on; none, if it is gone. Equal rows are no change. */
  put(owner: string, rows: GivenRows): void
  /** The object is gone, and its rows with it; but for a source's log, which stays until it holds nothing. */
  end(owner: string): void
  /** The same for every object that went while nobody looked. */
  retain(isThere: (owner: string) => boolean): void
  /** Resolves once everything put before is published, or failed to be. */
  published(): Promise<void>
}

export function createLedger(deps: LedgerDeps): Ledger {
  const { store, clock } = deps
  const loaded = store.contract()
  const wanted = byOwner(loaded)
  const inForce = new Map(wanted)
  const dependents = createDependents(wanted)
  const replyAddresses = new Map<string, Target>()
  const logOfQueues = new Map<string, string>(loaded.logs.map(({ queues, uid }) => [queues, uid]))
  const dirty = new Set<string>()
  const acknowledgements = createAcknowledgements(store, (owner) => dirty.has(owner) || inFlight.has(owner))
  let inFlight: ReadonlySet<string> = new Set()
  let timer: Disposable | undefined
  let last: Promise<void> = Promise.resolve()
  /** Of the contract, which nobody else changes. */
  let revision = loaded.revision
  let isClosed = false
  const sourceLogs = keepSourceLogs({ ...deps, remove: (owner) => put(owner, {}) })
  let tookMs = 0

  function mark(owner: string): void {
    dirty.add(owner)
    if (!isClosed) timer ??= clock.after(Math.min(Math.max(BATCH_MS, PAUSE * tookMs), LONGEST_BATCH_MS), flush)
  }

  function flush(): void {
    timer?.[Symbol.dispose]()
    timer = undefined
    last = last.then(publish)
  }

  async function publish(): Promise<void> {
    if (dirty.size === 0) return
    const owners = [...dirty]
    inFlight = new Set(owners)
    dirty.clear()
    decideSince(owners)
    rememberFormer(owners)
    const touched = [...new Set([...owners, ...dirty])]
    dirty.clear()
    const changed = touched.filter((owner) => !isSameRows(wanted.get(owner) ?? {}, inForce.get(owner) ?? {}))
    const became = new Map(changed.map((owner) => [owner, wanted.get(owner) ?? {}]))
    try {
      if (changed.length > 0) {
        const began = clock.monotonic()
        revision = await store.change(changesOf(became, inForce))
        tookMs = clock.monotonic() - began
        for (const [owner, rows] of became) hold(owner, rows)
      }
      inFlight = new Set()
      acknowledgements.look()
    } catch (error) {
      inFlight = new Set()
      for (const owner of touched) dirty.add(owner)
      deps.failed(error)
      if (!isClosed) timer ??= clock.after(RETRY_MS, flush)
    }
  }

  function hold(owner: string, rows: OwnedRows): void {
    const { log } = inForce.get(owner) ?? {}
    if (log !== undefined && rows.log === undefined) logOfQueues.delete(log.queues)
    if (Object.keys(rows).length > 0) {
      inForce.set(owner, rows)
      acknowledgements.published(owner, revision)
    } else {
      inForce.delete(owner)
      acknowledgements.forget(owner)
    }
  }

  /** A log that is new holds nothing older than its routes; on one that is not, a new route takes what comes from now on. */
  function decideSince(owners: readonly string[]): void {
    const next = revision + 1
    for (const owner of owners) {
      const rows = wanted.get(owner)
      if (rows?.route?.since !== UNDECIDED) continue
      const since = inForce.get(rows.route.log)?.log === undefined ? 0 : next
      wanted.set(owner, { ...rows, route: hashed<RouteRow>({ ...rows.route, since }) })
    }
  }

  function rememberFormer(owners: readonly string[]): void {
    const now = clock.now()
    const gone = owners.flatMap((owner) => {
      const [before, after] = [inForce.get(owner)?.delivery, wanted.get(owner)?.delivery]
      return before === undefined || before.channel === after?.channel ? [] : [before]
    })
    const logs = new Set(gone.flatMap(({ channel }) => logOfQueues.get(channel) ?? []))
    for (const owner of owners) if (wanted.get(owner)?.log !== undefined) logs.add(owner)
    for (const uid of logs) {
      const rows = wanted.get(uid)
      if (rows?.log === undefined) continue
      const isInForce = (queue: string) => wanted.get(queue)?.delivery?.channel === rows.log?.queues
      const log = formerOf(rows.log, { gone, isInForce, now, parkedRetentionMs: deps.parkedRetentionMs })
      if (log === rows.log) continue
      wanted.set(uid, { ...rows, log: hashed<LogRow>(log) })
      dirty.add(uid)
    }
  }

  function put(owner: string, given: GivenRows): void {
    const { replyAddress } = given
    if (replyAddress === undefined) replyAddresses.delete(owner)
    else replyAddresses.set(owner, replyAddress)
    const before = wanted.get(owner) ?? {}
    const now = rowsOf(given, before)
    if (isSameRows(before, now)) return
    if (Object.keys(now).length > 0) wanted.set(owner, now)
    else wanted.delete(owner)
    dependents.changed(owner, before, now)
    if (now.log !== undefined) logOfQueues.set(now.log.queues, owner)
    mark(owner)
    if (before.log !== undefined && now.log === undefined) forsake(owner)
    if ((before.log === undefined) !== (now.log === undefined)) acknowledgements.tell(owner)
  }

  /** A log is gone: in the same change its routes end, and replies into it go to its address, where nobody takes them. */
  function forsake(log: string): void {
    for (const owner of dependents.of(log)) {
      const { route, delivery } = wanted.get(owner) ?? {}
      const reply = replyAddresses.get(owner)
      if (route === undefined || delivery === undefined || route.log === log || reply === undefined) {
        put(owner, {})
        continue
      }
      const { replyLog: _, ...rest } = delivery
      put(owner, { route, delivery: { ...rest, reply }, replyAddress: reply })
    }
  }

  function end(owner: string): void {
    const { log, route, delivery } = wanted.get(owner) ?? {}
    if (log?.goneAt !== undefined) return
    if (log === undefined || route === undefined || delivery === undefined) {
      put(owner, {})
      return
    }
    put(owner, { log: { ...log, goneAt: clock.now() }, route, delivery })
    sourceLogs.add(owner, wanted.get(owner)?.log ?? log)
  }

  for (const [owner, { log }] of wanted) if (log?.goneAt !== undefined) sourceLogs.add(owner, log)
  return {
    rows: (owner) => wanted.get(owner) ?? {},
    put,
    end,
    standing: acknowledgements.standing,
    changed: acknowledgements.changed,
    retain(isThere) {
      for (const owner of [...wanted.keys()]) if (!isThere(owner)) end(owner)
    },
    published() {
      flush()
      return last
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      timer?.[Symbol.dispose]()
      acknowledgements[Symbol.dispose]()
      sourceLogs[Symbol.dispose]()
      await last
    },
  }
}

/** With what the ledger adds: where a route begins, whose queues a log may still hold. */
function rowsOf({ log, ingress, route, delivery, source }: GivenRows, before: OwnedRows): OwnedRows {
  const { formerTriggers } = before.log ?? {}
  return {
    ...(log && { log: hashed<LogRow>({ ...log, ...(formerTriggers && { formerTriggers }) }) }),
    ...(ingress && { ingress: hashed(ingress) }),
    ...(route && { route: routeOf(route, before.route) }),
    ...(delivery && { delivery: hashed(delivery) }),
    ...(source && { source: hashed(source as Omit<AnySourceRow, 'hash'>) }),
  } as OwnedRows
}

function routeOf({ fromStart = false, ...route }: NonNullable<GivenRows['route']>, before: RouteRow | undefined) {
  const since = before?.log === route.log ? before.since : fromStart ? 0 : UNDECIDED
  return hashed<RouteRow>({ ...route, since })
}

import type { Clock } from '@sluice/clock'
import type { FollowedSource, HeldSource, SourceDesk, SourceReport, SourceRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'

/** The contract's server as sources see it, in memory. */
export interface FakeDesk<R extends SourceRow = SourceRow> {
  /** A replica of the source service. A row is held by one of those that hold; when its holder stops, another gets it. */
  replica(): SourceDesk<R>
  /** Makes a row or changes it; resolves once every replica concerned has started it. */
  put(row: R): Promise<void>
  /** Forgets its state, too. */
  remove(uid: string): Promise<void>
  /** Gives the row to the replica that has held none longest, under a new term. */
  handOver(uid: string): Promise<void>
  /** Gives it to one more replica, while the former holder goes on, not knowing: what it writes is refused. */
  split(uid: string): Promise<void>
  /** Every report of the row, oldest first. */
  reports(uid: string): readonly SourceReport[]
  /** What is kept for the row, by key. */
  state(uid: string): ReadonlyMap<string, string>
  /** Values by `<namespace>/<name>/<key>`. */
  readonly secrets: Map<string, string>
  /** While true nothing is answered: state, secrets, reports and `remember` reject, and nobody gets a row. */
  isAway: boolean
  /** While true nothing more is kept: `put` rejects with SOURCE_STATE_TOO_LARGE. */
  isFull: boolean
}

interface Replica<R extends SourceRow> {
  hold: ((held: HeldSource<R>) => Promise<AsyncDisposable>) | undefined
  follow: ((followed: FollowedSource<R>) => Promise<AsyncDisposable>) | undefined
  readonly held: Map<string, Work>
  readonly followed: Map<string, Work>
}

interface Work {
  readonly stop: AbortController
  readonly started: Promise<AsyncDisposable>
}

interface Kept<R extends SourceRow> {
  row: R
  term: number
  readonly reports: SourceReport[]
  readonly state: Map<string, string>
}

/** A desk for tests of sources: real terms, state that survives hand-overs, reports that are kept, secrets that are given. */
export function createFakeDesk<R extends SourceRow = SourceRow>({ clock }: { readonly clock: Clock }): FakeDesk<R> {
  const rows = new Map<string, Kept<R>>()
  const replicas: Replica<R>[] = []
  const remembered = new Map<string, { readonly value: string; readonly until: number }>()
  const secrets = new Map<string, string>()

  const away = async () => {
    if (desk.isAway)
      throw new EventingError({ code: 'CONTRACT_UNREACHABLE', url: 'fake:', reason: 'away' }, 'the desk is away')
  }

  const followedOf = ({ row, state }: Kept<R>, signal: AbortSignal, self: Replica<R>): FollowedSource<R> => ({
    row,
    signal,
    async read(key) {
      await away()
      return state.get(key)
    },
    place() {
      const all = replicas.filter(({ hold, follow }) => hold !== undefined || follow !== undefined)
      return { rank: all.indexOf(self), of: all.length }
    },
    async secret(name) {
      await away()
      const { namespace, name: of, key } = row.secrets?.[name] ?? { namespace: '', name: '', key: '' }
      const value = secrets.get(`${namespace}/${of}/${key}`)
      if (value !== undefined) return value
      const detail = { code: 'SOURCE_SECRET_MISSING', source: row.name, secret: name, reason: 'not found' } as const
      throw new EventingError(detail, `there is no key ${key} in Secret ${namespace}/${of}`)
    },
    async remember(key, value, ttlMs) {
      await away()
      const there = remembered.get(`${row.uid} ${key}`)
      if (there !== undefined && there.until > clock.now()) return there.value
      remembered.set(`${row.uid} ${key}`, { value, until: clock.now() + ttlMs })
      return value
    },
  })

  const heldOf = (kept: Kept<R>, signal: AbortSignal, self: Replica<R>): HeldSource<R> => {
    const { term } = kept
    const mine = async () => {
      await away()
      if (rows.get(kept.row.uid) !== kept || kept.term !== term)
        throw new EventingError({ code: 'SOURCE_NOT_HELD', source: kept.row.name }, 'another replica has the source')
    }
    return {
      ...followedOf(kept, signal, self),
      term,
      state: {
        async get(key) {
          await mine()
          return kept.state.get(key)
        },
        async list(prefix, limit, after) {
          await mine()
          return [...kept.state]
            .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .slice(0, limit)
        },
        async put(changes) {
          await mine()
          if (desk.isFull) throw full(kept.row)
          for (const [key, value] of Object.entries(changes))
            if (value === undefined) kept.state.delete(key)
            else kept.state.set(key, value)
        },
      },
      async report(report) {
        await mine()
        kept.reports.push(report)
      },
    }
  }

  const start = async (
    work: Map<string, Work>,
    uid: string,
    begin: (signal: AbortSignal) => Promise<AsyncDisposable>,
  ) => {
    const stop = new AbortController()
    const started = begin(stop.signal)
    work.set(uid, { stop, started })
    await started
  }
  const end = async (work: Map<string, Work>, uid: string) => {
    const ended = work.get(uid)
    work.delete(uid)
    ended?.stop.abort()
    await (await ended?.started)?.[Symbol.asyncDispose]()
  }
  const give = async (kept: Kept<R>, to: Replica<R> | undefined) => {
    if (to?.hold === undefined) return
    const { hold } = to
    kept.term++
    await start(to.held, kept.row.uid, (signal) => hold(heldOf(kept, signal, to)))
  }
  const isHeld = (uid: string) => replicas.some(({ held }) => held.has(uid))
  const fewest = (except?: Replica<R>) =>
    replicas.filter((one) => one !== except && one.hold !== undefined).toSorted((a, b) => a.held.size - b.held.size)[0]
  const assign = async () => {
    if (desk.isAway) return
    for (const kept of rows.values()) if (!isHeld(kept.row.uid)) await give(kept, fewest())
  }

  const replica = (): SourceDesk<R> => {
    const self: Replica<R> = { hold: undefined, follow: undefined, held: new Map(), followed: new Map() }
    replicas.push(self)
    return {
      hold(begin) {
        self.hold = begin
        void assign()
        return {
          async [Symbol.asyncDispose]() {
            self.hold = undefined
            await Promise.all([...self.held.keys()].map((uid) => end(self.held, uid)))
            await assign()
          },
        }
      },
      follow(begin) {
        self.follow = begin
        for (const kept of rows.values())
          void start(self.followed, kept.row.uid, (signal) => begin(followedOf(kept, signal, self)))
        return {
          async [Symbol.asyncDispose]() {
            self.follow = undefined
            await Promise.all([...self.followed.keys()].map((uid) => end(self.followed, uid)))
          },
        }
      },
    }
  }

  const known = (uid: string): Kept<R> => {
    const kept = rows.get(uid)
    if (kept === undefined) throw new EventingError({ code: 'INTERNAL' }, `the desk has no row ${uid}`)
    return kept
  }

  const desk: FakeDesk<R> = {
    secrets,
    isAway: false,
    isFull: false,
    replica,
    async put(row) {
      const kept = rows.get(row.uid) ?? { row, term: 0, reports: [], state: new Map() }
      kept.row = row
      rows.set(row.uid, kept)
      for (const one of replicas) {
        if (one.held.has(row.uid)) {
          await end(one.held, row.uid)
          await give(kept, one)
        }
        const { follow } = one
        if (follow === undefined) continue
        await end(one.followed, row.uid)
        await start(one.followed, row.uid, (signal) => follow(followedOf(kept, signal, one)))
      }
      await assign()
    },
    async remove(uid) {
      rows.delete(uid)
      for (const { held, followed } of replicas) {
        await end(held, uid)
        await end(followed, uid)
      }
    },
    async handOver(uid) {
      const from = replicas.find(({ held }) => held.has(uid))
      if (from !== undefined) await end(from.held, uid)
      await give(known(uid), fewest(from) ?? from)
    },
    split: async (uid) => give(known(uid), fewest(replicas.find(({ held }) => held.has(uid)))),
    reports: (uid) => known(uid).reports,
    state: (uid) => known(uid).state,
  }
  return desk
}

function full({ namespace, name }: SourceRow): EventingError {
  const detail = { code: 'SOURCE_STATE_TOO_LARGE', source: `${namespace}/${name}`, bytes: 2, maxBytes: 1 } as const
  return new EventingError(detail, `the source ${namespace}/${name} would keep 2 bytes, 1 is allowed`)
}

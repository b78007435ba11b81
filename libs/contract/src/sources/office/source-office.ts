import type { Clock } from '@sluice/clock'
import { EventingError, failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { roleOf, SOURCE_ROLES, type SourceRole } from '../../interest.ts'
import type { ContractStore } from '../../store.ts'
import type { SourceNews, SourceQuestion } from '../line.ts'
import type { ReplicaPlace, SourceReport } from '../source-desk.ts'
import type { SourceRow } from '../source-row.ts'
import { STATE_LIMITS, type StateLimits } from '../state/limits.ts'
import { openStateStore } from '../state/state-store.ts'
import { answerAbout } from './answers.ts'
import { type Assignments, createAssignments } from './assignments.ts'
import { createKeptSources, type KeptSources } from './kept-sources.ts'
import { type OfficeEvents, officeEvents } from './office-events.ts'
import { createSecretNews } from './secret-news.ts'
import { NO_SECRETS, type SecretReader } from './secret-reader.ts'

export interface SourceOfficeDeps {
  /** Of the contract whose sources these are. */
  readonly store: Pick<ContractStore, 'contract' | 'changes'>
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** File of terms, states and reports; `:memory:` for tests. */
  readonly path: string
  /** How long after the start rows wait for who held them before; 0 where nobody else can. Default: a lease. */
  readonly settleMs?: number
  readonly leaseMs?: number
  readonly secrets?: SecretReader
  readonly limits?: Partial<StateLimits>
  /** For virtual time, where nothing may happen by itself: the file is written in this thread. */
  readonly isInThread?: boolean
}

/** A process of a service of sources; `instance` is new with each. */
export interface SourceReplica {
  readonly role: SourceRole
  readonly replica: string
  readonly instance: string
}

/** Where a row of the contract stands. */
export interface SourceStanding {
  readonly role: SourceRole
  /** Replicas of that role that follow the contract. */
  readonly replicas: number
  /** There are none. Never for the first lease term after a start: somebody may be on the way back. */
  readonly isMissing: boolean
  /** A replica has the row as it is now. */
  readonly isAcknowledged: boolean
  /** Name of the replica that works on it, if one does. */
  readonly holder: string | undefined
  /** What a holder said last, perhaps before a restart. */
  readonly report: SourceReport | undefined
  /** Of the row that this was said of: one that was changed since has another. */
  readonly reportedHash: string | undefined
}

/** The contract's server as services of sources need it: who holds what, what they keep, what they may know. */
export interface SourceOffice extends AsyncDisposable {
  /** `notify`: there is news. One that is there already stays, and is told everything anew. */
  join(replica: SourceReplica, notify: () => void): void
  /** Up to this revision it has every row. */
  acknowledged(instance: string, revision: number): void
  leave(instance: string, reason: 'left' | 'expired'): void
  /** As in SourceLine; throws CONTRACT_LEASE_UNKNOWN, as those that follow. */
  enlist(instance: string, held: ReadonlyMap<string, number>): void
  resign(instance: string): void
  released(instance: string, uid: string, term: number): void
  ask(instance: string, question: SourceQuestion): Promise<unknown>
  news(instance: string): SourceNews | undefined
  hasNews(instance: string): boolean
  /** Undefined where the contract has no such row. */
  standing(uid: string): SourceStanding | undefined
  /** Calls back with the uid of a row whose standing may be another. */
  changed(listener: (uid: string) => void): Disposable
}

interface Member extends SourceReplica {
  acknowledged: number
  readonly notify: () => void
  /** What it was told last. */
  place: ReplicaPlace | undefined
}

const LEASE_MS = 10_000

/** Rejects with DATA_DIR_IN_USE or DATA_DIR_UNUSABLE. */
export async function openSourceOffice(deps: SourceOfficeDeps): Promise<SourceOffice> {
  const { store, clock, telemetry, path, leaseMs = LEASE_MS, secrets = NO_SECRETS } = deps
  const settleMs = deps.settleMs ?? leaseMs
  const limits = { ...STATE_LIMITS, ...deps.limits }
  const stack = new AsyncDisposableStack()
  const state = stack.use(await openStateStore(path, limits, deps.isInThread))
  const rows = new Map<string, { readonly row: SourceRow; readonly revision: number }>()
  const members = new Map<string, Member>()
  const listeners = new Set<(uid: string) => void>()
  let isSettling = settleMs > 0
  const settling = clock.after(settleMs, () => {
    isSettling = false
    for (const uid of rows.keys()) tell(uid)
  })
  stack.defer(() => settling[Symbol.dispose]())

  function tell(uid: string): void {
    for (const listener of [...listeners]) listener(uid)
  }
  function tellOf(role: SourceRole, isConcerned: (revision: number) => boolean = () => true): void {
    for (const [uid, { row, revision }] of rows) if (roleOf(row.kind) === role && isConcerned(revision)) tell(uid)
  }
  const ofRole = (role: SourceRole) => [...members.values()].filter((member) => member.role === role)

  const events: OfficeEvents = stack.use(
    officeEvents(telemetry, clock, {
      waiting: (role) => assignments[role].waiting(),
      bytes: () => kept.bytes(),
    }),
  )
  const kept: KeptSources = stack.use(createKeptSources({ state, clock, events, isThere: (uid) => rows.has(uid) }))
  const assignments = Object.fromEntries(SOURCE_ROLES.map((role) => [role, stack.use(assigning())])) as Readonly<
    Record<SourceRole, Assignments>
  >
  const secretNews = stack.use(createSecretNews(secrets, (role) => ofRole(role).forEach(({ notify }) => void notify())))

  function assigning(): Assignments {
    return createAssignments({
      ...{ clock, leaseMs, changed: tell, grantFailed: events.grantFailed },
      // where nobody was given anything yet, nobody can be on the way back with it
      settleMs: state.kept.some(({ term }) => term > 0) ? settleMs : 0,
      ...{ lastTerm: kept.lastTerm, nextTerm: kept.nextTerm },
      grant: async (terms) => void (await kept.ask({ op: 'grant', terms })),
      granted(uid, term, instance, reason) {
        const { row } = rows.get(uid) ?? {}
        if (row !== undefined)
          events.handedOver({ ...named(row), replica: members.get(instance)?.replica ?? '', term, reason })
      },
    })
  }

  function put(row: SourceRow, revision: number): void {
    rows.set(row.uid, { row, revision })
    secretNews.put(row)
    assignments[roleOf(row.kind)].put(row.uid)
    tell(row.uid)
  }
  function remove(uid: string): void {
    const { row } = rows.get(uid) ?? {}
    if (row === undefined) return
    rows.delete(uid)
    secretNews.remove(uid)
    assignments[roleOf(row.kind)].remove(uid)
    tell(uid)
  }
  const { sources, revision } = store.contract()
  for (const row of sources) put(row, revision)
  const following = store.changes(({ delta }) => {
    if (delta.put.sources.length + delta.removed.sources.length === 0) return
    for (const uid of delta.removed.sources) remove(uid)
    for (const row of delta.put.sources) put(row, delta.revision)
    kept.changed([...delta.removed.sources, ...delta.put.sources.map(({ uid }) => uid)])
  })
  stack.defer(() => following[Symbol.dispose]())

  function memberOf(instance: string) {
    const member = members.get(instance)
    if (member !== undefined) return member
    const message = 'there is no such lease of a service of sources: it has ended, or the server was restarted'
    throw new EventingError({ code: 'CONTRACT_LEASE_UNKNOWN', instance }, message)
  }
  /** Who came first is first: one that comes moves none. Undefined: as it was told. */
  function newPlace(member: Member): ReplicaPlace | undefined {
    const all = ofRole(member.role)
    const { rank, of } = { rank: all.indexOf(member), of: all.length }
    return member.place?.rank === rank && member.place.of === of ? undefined : { rank, of }
  }
  const assignmentsOf = (instance: string) => assignments[memberOf(instance).role]

  return {
    join(replica, notify) {
      const { role, instance } = replica
      const acknowledged = members.get(instance)?.acknowledged ?? -1
      const isFirst = ofRole(role).length === 0
      members.set(instance, { ...replica, acknowledged, notify, place: undefined })
      assignments[role].join(instance, notify)
      secretNews.join(instance, role)
      for (const member of ofRole(role)) member.notify()
      if (isFirst) tellOf(role)
    },
    acknowledged(instance, revision) {
      const member = members.get(instance)
      if (member === undefined || member.acknowledged >= revision) return
      const before = member.acknowledged
      member.acknowledged = revision
      tellOf(member.role, (at) => at > before && at <= revision)
    },
    leave(instance, reason) {
      const member = members.get(instance)
      if (member === undefined) return
      members.delete(instance)
      assignments[member.role].leave(instance, reason)
      secretNews.leave(instance)
      for (const other of ofRole(member.role)) other.notify()
      tellOf(member.role)
    },
    enlist: (instance, held) => assignmentsOf(instance).enlist(instance, held),
    resign: (instance) => assignmentsOf(instance).resign(instance),
    released: (instance, uid, term) => assignmentsOf(instance).released(instance, uid, term),
    async ask(instance, question) {
      const { role } = memberOf(instance)
      const { row } = rows.get(question.uid) ?? {}
      if (row === undefined || roleOf(row.kind) !== role) {
        const message = `${role} has no source ${question.uid}`
        throw new EventingError({ code: 'SOURCE_NOT_HELD', source: question.uid }, message)
      }
      try {
        return await answerAbout(row, question, {
          ...{
            clock,
            limits,
            secrets,
            ask: kept.ask,
            lastTerm: kept.lastTerm,
            evicted: (row) => events.evicted(named(row)),
          },
          reported(uid, report) {
            if (kept.reported(uid, report)) tell(uid)
          },
        })
      } catch (error) {
        events.refused({ ...named(row), op: question.op, code: failureOf(error).code })
        throw error
      }
    },
    news(instance) {
      const member = memberOf(instance)
      const assignment = assignments[member.role].take(instance)
      const versions = secretNews.take(instance)
      const place = newPlace(member)
      if (assignment === undefined && versions.length === 0 && place === undefined) return undefined
      if (place !== undefined) member.place = place
      return { ...(assignment ?? { all: false, hold: [], drop: [] }), secrets: versions, ...(place && { place }) }
    },
    hasNews(instance) {
      const member = members.get(instance)
      if (member === undefined) return secretNews.has(instance)
      return assignments[member.role].hasNews(instance) || secretNews.has(instance) || newPlace(member) !== undefined
    },
    standing(uid) {
      const { row, revision = 0 } = rows.get(uid) ?? {}
      if (row === undefined) return undefined
      const role = roleOf(row.kind)
      const replicas = ofRole(role)
      const holder = assignments[role].holderOf(uid)
      return {
        ...{ role, replicas: replicas.length, isMissing: replicas.length === 0 && !isSettling },
        isAcknowledged: replicas.some(({ acknowledged }) => acknowledged >= revision),
        holder: holder === undefined ? undefined : members.get(holder)?.replica,
        report: kept.reportOf(uid)?.report,
        reportedHash: kept.reportOf(uid)?.hash,
      }
    },
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function named({ kind, namespace, name }: SourceRow) {
  return { kind, namespace, name }
}

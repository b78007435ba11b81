import type { Clock } from '@sluice/clock'
import { balance } from './balance.ts'

/** Of what a replica was told and of what it has to hold: the difference. `all`: everything else is not its any more. */
export interface Assignment {
  readonly all: boolean
  readonly hold: readonly (readonly [uid: string, term: number])[]
  readonly drop: readonly string[]
}

export type HandOverReason = 'new' | 'balance' | 'overdue' | 'ended' | 'left' | 'expired' | 'unclaimed'

export interface AssignmentsDeps {
  readonly clock: Clock
  /** How long a replica may take to give a row back. */
  readonly leaseMs: number
  /** Until it has passed, since the first join, rows that were held before wait for whoever holds them. */
  readonly settleMs: number
  /** Resolves once these terms are kept. */
  readonly grant: (terms: readonly (readonly [uid: string, term: number])[]) => Promise<void>
  /** A term newer than all that were ever given for this row. */
  readonly nextTerm: (uid: string) => number
  /** The newest that was given; undefined for a row that nobody ever held. */
  readonly lastTerm: (uid: string) => number | undefined
  readonly granted: (uid: string, term: number, member: string, reason: HandOverReason) => void
  readonly grantFailed: (error: unknown) => void
  /** Of who holds it, something changed. */
  readonly changed: (uid: string) => void
}

interface Place {
  readonly uid: string
  /** What is true of it: nobody has it · it is being given · held · asked back. */
  state: 'free' | 'unclaimed' | 'granting' | 'held' | 'leaving'
  member: Member | undefined
  term: number
  /** Why its next holder gets it. */
  reason: HandOverReason
  overdue: Disposable | undefined
  /** Its holder heard of it, or may have. */
  isTold: boolean
  /** The row is not in the contract; who holds it is giving it back. */
  isGone: boolean
}

interface Member {
  readonly id: string
  readonly places: Set<Place>
  /** Of its places those that it is to give back. */
  leaving: number
  readonly notify: () => void
  isEnlisted: boolean
  outbox: Map<string, number | undefined>
  isAll: boolean
}

/** The rows of one role, given to its replicas. */
export interface Assignments extends Disposable {
  put(uid: string): void
  remove(uid: string): void
  /** `notify`: there is something to take. A member that is there already is told everything anew. */
  join(id: string, notify: () => void): void
  /** It holds these under these terms, and takes more from now on. */
  enlist(id: string, held: ReadonlyMap<string, number>): void
  /** It takes no more, and gives back what it has, one by one. */
  resign(id: string): void
  released(id: string, uid: string, term: number): void
  leave(id: string, reason: 'left' | 'expired'): void
  /** What this member was not told yet. */
  take(id: string): Assignment | undefined
  hasNews(id: string): boolean
  holderOf(uid: string): string | undefined
  /** Rows that nobody has. */
  waiting(): number
}

const RETRY_MS = 1_000

/**
 *   free ── kept on disk ──► held ── balance, resigned, row gone ──► leaving ── released, or a lease later ──► free
 *                             └──────────── left, lease expired ────────────────────────────────────────────► free
 *
 * A term is given out once, to one member.
 */
export function createAssignments(deps: AssignmentsDeps): Assignments {
  const { clock, leaseMs } = deps
  const places = new Map<string, Place>()
  const members = new Map<string, Member>()
  const free = new Set<Place>()
  /** Asked back, and to be given to another. */
  const coming = new Set<Place>()
  let isSettled = deps.settleMs === 0
  let isClosed = false
  let isLooking = false
  let retry: Disposable | undefined
  let settling: Disposable | undefined

  function settle(): void {
    isSettled = true
    for (const place of places.values()) if (place.state === 'unclaimed') setFree(place, 'unclaimed')
    look()
  }

  function tell(member: Member | undefined, uid: string, term: number | undefined): void {
    if (member === undefined) return
    member.outbox.set(uid, term)
    member.notify()
  }

  function setFree(place: Place, reason: HandOverReason): void {
    place.overdue?.[Symbol.dispose]()
    place.overdue = undefined
    unseat(place)
    if (place.isGone) {
      places.delete(place.uid)
      free.delete(place)
    } else {
      place.state = 'free'
      place.reason = reason
      free.add(place)
    }
    // one that is gone may leave its holder with less than its share
    look()
    deps.changed(place.uid)
  }

  function unseat(place: Place): void {
    const { member } = place
    coming.delete(place)
    if (member === undefined) return
    if (place.state === 'leaving') member.leaving -= 1
    member.places.delete(place)
    place.member = undefined
  }

  function seat(place: Place, member: Member, term: number): void {
    free.delete(place)
    place.member = member
    place.term = term
    member.places.add(place)
  }

  function hold(place: Place, member: Member, term: number, isTold: boolean): void {
    seat(place, member, term)
    place.state = 'held'
    place.isTold = isTold
    tell(member, place.uid, term)
    deps.changed(place.uid)
  }

  /** `reason`: why the next one gets it. */
  function askBack(place: Place, reason: HandOverReason): void {
    if (!place.isTold) {
      place.member?.outbox.delete(place.uid)
      setFree(place, reason)
      return
    }
    place.state = 'leaving'
    place.reason = reason
    if (place.member !== undefined) place.member.leaving += 1
    if (!place.isGone) coming.add(place)
    tell(place.member, place.uid, undefined)
    place.overdue = clock.after(leaseMs, () => setFree(place, 'overdue'))
  }

  /** Once what changed together has been said. */
  function look(): void {
    if (isLooking || isClosed) return
    isLooking = true
    queueMicrotask(() => {
      isLooking = false
      if (!isClosed) distribute()
    })
  }

  function distribute(): void {
    const enlisted = [...members.values()].filter(({ isEnlisted }) => isEnlisted)
    if (enlisted.length === 0) return
    const { give, takeBack } = balance(
      enlisted.map(({ places, leaving }) => places.size - leaving),
      free.size,
      coming.size,
    )
    const given: [Place, Member, number][] = []
    const next = [...free]
    give.forEach((to, i) => {
      const [place, member] = [next[i], enlisted[to]]
      if (place === undefined || member === undefined) return
      seat(place, member, deps.nextTerm(place.uid))
      place.state = 'granting'
      given.push([place, member, place.term])
    })
    if (isSettled)
      takeBack.forEach((count, i) => {
        if (count === 0) return
        const movable = [...(enlisted[i]?.places ?? [])].filter(({ state }) => state === 'held')
        for (const place of movable.slice(-count)) askBack(place, 'balance')
      })
    if (given.length > 0) void grant(given)
  }

  async function grant(given: readonly (readonly [Place, Member, number])[]): Promise<void> {
    try {
      await deps.grant(given.map(([{ uid }, , term]) => [uid, term]))
    } catch (error) {
      deps.grantFailed(error)
      const back = () => {
        for (const [place, , term] of given) if (isGranting(place, term)) setFree(place, place.reason)
      }
      if (!isClosed) retry = clock.after(RETRY_MS, back)
      return
    }
    for (const [place, member, term] of given) {
      if (isClosed || !isGranting(place, term)) continue
      if (place.isGone || !member.isEnlisted || members.get(member.id) !== member) setFree(place, place.reason)
      else {
        deps.granted(place.uid, term, member.id, place.reason)
        hold(place, member, term, false)
      }
    }
  }

  const isGranting = (place: Place, term: number) => place.state === 'granting' && place.term === term
  const memberOf = (id: string) => members.get(id)

  return {
    put(uid) {
      const place = places.get(uid)
      if (place !== undefined) {
        place.isGone = false
        if (place.state === 'leaving') coming.add(place)
        return
      }
      const wasHeld = deps.lastTerm(uid) !== undefined
      const made: Place = {
        ...{ uid, member: undefined, term: 0, overdue: undefined, isGone: false, isTold: false, reason: 'new' },
        state: wasHeld && !isSettled ? 'unclaimed' : 'free',
      }
      places.set(uid, made)
      if (made.state === 'free') free.add(made)
      look()
    },
    remove(uid) {
      const place = places.get(uid)
      if (place === undefined) return
      place.isGone = true
      coming.delete(place)
      if (place.state === 'held') askBack(place, 'ended')
      else if (place.state === 'free' || place.state === 'unclaimed') setFree(place, 'ended')
    },
    join(id, notify) {
      // from when somebody can be heard of
      if (!isSettled) settling ??= clock.after(deps.settleMs, settle)
      const former = members.get(id)
      const member: Member = {
        ...{ id, notify, places: former?.places ?? new Set(), isEnlisted: former?.isEnlisted ?? false },
        leaving: former?.leaving ?? 0,
        ...{ outbox: new Map(), isAll: former?.isEnlisted ?? false },
      }
      members.set(id, member)
      for (const place of member.places) {
        place.member = member
        if (place.state === 'held') member.outbox.set(place.uid, place.term)
      }
    },
    enlist(id, held) {
      const member = memberOf(id)
      if (member === undefined) return
      member.isEnlisted = true
      for (const [uid, term] of held) {
        const place = places.get(uid)
        const isUnclaimed = place?.state === 'unclaimed' || place?.state === 'free'
        if (place !== undefined && isUnclaimed && term >= (deps.lastTerm(uid) ?? 0)) {
          hold(place, member, term, true)
          if (term > (deps.lastTerm(uid) ?? 0)) void deps.grant([[uid, term]]).catch(deps.grantFailed)
        }
      }
      // of what it was to give back it never heard, or has
      for (const place of [...member.places])
        if (place.state === 'leaving' && !held.has(place.uid)) setFree(place, place.reason)
      member.isAll = true
      member.outbox = new Map()
      for (const { uid, term, state } of member.places) if (state === 'held') member.outbox.set(uid, term)
      member.notify()
      look()
    },
    resign(id) {
      const member = memberOf(id)
      if (member === undefined) return
      member.isEnlisted = false
      for (const place of member.places) if (place.state === 'held') askBack(place, 'left')
      look()
    },
    released(id, uid, term) {
      const place = places.get(uid)
      if (place?.member?.id !== id || place.term !== term) return
      if (place.state === 'leaving') setFree(place, place.reason)
    },
    leave(id, reason) {
      const member = memberOf(id)
      members.delete(id)
      for (const place of [...(member?.places ?? [])]) if (place.state !== 'granting') setFree(place, reason)
      look()
    },
    take(id) {
      const member = memberOf(id)
      if (member === undefined || (member.outbox.size === 0 && !member.isAll)) return undefined
      const { isAll: all, outbox } = member
      member.outbox = new Map()
      member.isAll = false
      const hold: [string, number][] = []
      const drop: string[] = []
      for (const [uid, term] of outbox) {
        if (term === undefined) drop.push(uid)
        else {
          hold.push([uid, term])
          const place = places.get(uid)
          if (place !== undefined) place.isTold = true
        }
      }
      return { all, hold, drop }
    },
    hasNews(id) {
      const member = memberOf(id)
      return member !== undefined && (member.outbox.size > 0 || member.isAll)
    },
    holderOf(uid) {
      const place = places.get(uid)
      return place?.state === 'held' ? place.member?.id : undefined
    },
    waiting: () => [...places.values()].filter(({ state, isGone }) => state !== 'held' && !isGone).length,
    [Symbol.dispose]() {
      isClosed = true
      settling?.[Symbol.dispose]()
      retry?.[Symbol.dispose]()
      for (const { overdue } of places.values()) overdue?.[Symbol.dispose]()
    },
  }
}

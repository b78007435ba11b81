import type { Clock } from '@sluice/clock'
import { type KeptReport, readReport } from '../source-report.ts'
import type { StateReply, StateRequest } from '../state/requests.ts'
import type { StateStore } from '../state/state-store.ts'
import type { OfficeEvents } from './office-events.ts'

const HOUR_MS = 3_600_000
/** A row that went because its object was broken for a while, or manifests were mixed up, finds its state again. */
const FORGOTTEN_AFTER_MS = 24 * HOUR_MS
const FORGOTTEN_AT_ONCE = 10

export interface KeptSourcesDeps {
  readonly state: StateStore
  readonly clock: Clock
  readonly events: Pick<OfficeEvents, 'forgot' | 'keepingFailed'>
  readonly isThere: (uid: string) => boolean
}

/** What is on disk of sources, as far as it has to be known here. */
export interface KeptSources extends Disposable {
  ask(request: StateRequest): Promise<StateReply>
  /** The newest term that was given out; undefined where none was. */
  lastTerm(uid: string): number | undefined
  /** Newer than all before, even where their file was lost: no source changes hands a thousand times a second. */
  nextTerm(uid: string): number
  reportOf(uid: string): KeptReport | undefined
  /** Answers whether it says something else than before. */
  reported(uid: string, report: KeptReport): boolean
  bytes(): number
  /** These rows came or went: states of those that are gone for a day are forgotten. */
  changed(uids: readonly string[]): void
}

interface Kept {
  term: number
  bytes: number
  report: KeptReport | undefined
  goneAt: number | null
}

export function createKeptSources({ state, clock, events, isThere }: KeptSourcesDeps): KeptSources {
  const kept = new Map<string, Kept>(
    state.kept.map(({ uid, term, bytes, report, goneAt }) => [
      uid,
      { term, bytes, goneAt, report: report === null ? undefined : readReport(report) },
    ]),
  )
  let isLooking = false
  let isClosed = false
  let timer = clock.after(HOUR_MS, hourly)

  look()

  function hourly(): void {
    look()
    timer = clock.after(HOUR_MS, hourly)
  }

  function of(uid: string): Kept {
    const found = kept.get(uid) ?? { term: 0, bytes: 0, report: undefined, goneAt: null }
    kept.set(uid, found)
    return found
  }

  function look(): void {
    if (isLooking || isClosed) return
    isLooking = true
    queueMicrotask(() => {
      void mark()
        .catch(events.keepingFailed)
        .finally(() => {
          isLooking = false
        })
    })
  }

  async function mark(): Promise<void> {
    const now = Math.floor(clock.now())
    const uids = (wanted: (uid: string, of: Kept) => boolean) =>
      [...kept].filter(([uid, each]) => wanted(uid, each)).map(([uid]) => uid)
    const gone = uids((uid, { goneAt }) => goneAt === null && !isThere(uid))
    const back = uids((uid, { goneAt }) => goneAt !== null && isThere(uid))
    if (gone.length > 0) await state.ask({ op: 'mark', uids: gone, goneAt: now })
    if (back.length > 0) await state.ask({ op: 'mark', uids: back, goneAt: null })
    for (const uid of gone) of(uid).goneAt = now
    for (const uid of back) of(uid).goneAt = null
    const over = uids((uid, { goneAt }) => goneAt !== null && now - goneAt >= FORGOTTEN_AFTER_MS && !isThere(uid))
    // a few at a time: one may keep thousands of keys
    for (let at = 0; at < over.length; at += FORGOTTEN_AT_ONCE) {
      const some = over.slice(at, at + FORGOTTEN_AT_ONCE).filter((uid) => !isThere(uid))
      await state.ask({ op: 'forget', uids: some })
      for (const uid of some) kept.delete(uid)
    }
    if (over.length > 0) events.forgot({ sources: over.length })
  }

  return {
    async ask(request) {
      const reply = await state.ask(request)
      if (request.op === 'put' && reply.ok) of(request.uid).bytes = reply.value as number
      return reply
    },
    // one that was only remembered for was never held
    lastTerm: (uid) => kept.get(uid)?.term || undefined,
    nextTerm(uid) {
      const found = of(uid)
      found.term = Math.max(found.term + 1, Math.floor(clock.now()))
      return found.term
    },
    reportOf: (uid) => kept.get(uid)?.report,
    reported(uid, report) {
      const found = of(uid)
      const isNews = JSON.stringify(found.report) !== JSON.stringify(report)
      found.report = report
      return isNews
    },
    bytes: () => [...kept.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    changed(uids) {
      if (uids.some((uid) => kept.has(uid) && isThere(uid) === (kept.get(uid)?.goneAt !== null))) look()
    },
    [Symbol.dispose]() {
      isClosed = true
      timer[Symbol.dispose]()
    },
  }
}

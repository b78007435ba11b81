import { type Clock, sleep } from '@sluice/clock'
import { isFailure } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import type { SourceRole } from '../../interest.ts'
import type { ContractSource } from '../../rows.ts'
import type { SourceLine, SourceNews } from '../line.ts'
import type { FollowedSource, HeldSource, ReplicaPlace, SourceDesk } from '../source-desk.ts'
import type { SourceRow } from '../source-row.ts'
import { deskEvents } from './desk-events.ts'
import { createRuns, type Runs } from './runs.ts'
import { untilHeard } from './until-heard.ts'

export interface SourceDeskDeps {
  readonly role: SourceRole
  readonly contract: ContractSource
  readonly line: SourceLine
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** What runs for a row, and under which term where it is held. */
interface Run<R> {
  readonly identity: string
  readonly row: R
  readonly term: number
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000
const ENLISTING_AGAIN_MS = 1_000
/** A service that stops says so, if somebody listens. */
const RESIGNING_MS = 1_000

/**
 * The desk of one process, which holds and follows once each. A row is known once the contract has it, and held once
 * the server said so; whichever comes first. Disposing lets go of both.
 */
export function createSourceDesk<R extends SourceRow>(deps: SourceDeskDeps): SourceDesk<R> & AsyncDisposable {
  const { role, contract, line, clock, telemetry } = deps
  const events = deskEvents(telemetry)
  const rows = new Map<string, R>()
  const assigned = new Map<string, number>()
  const secrets = new Map<string, string>()
  /** Rows that asked for a Secret that was not there. */
  const lacking = new Set<string>()
  /** How often the Secrets of a row have changed while it was known. */
  const renewed = new Map<string, number>()
  const stopped = new AbortController()
  let holding: Runs<Run<R>> | undefined
  let following: Runs<Run<R>> | undefined
  let place: ReplicaPlace | undefined
  let isEnlisting = false
  let connections = 0

  const identity = (row: R, term: number) => `${row.hash} ${term} ${renewed.get(row.uid) ?? 0}`

  function look(uid: string): void {
    const row = rows.get(uid)
    const term = assigned.get(uid)
    following?.want(uid, row && { identity: identity(row, 0), row, term: 0 })
    holding?.want(uid, row && term !== undefined ? { identity: identity(row, term), row, term } : undefined)
  }

  const watching = contract.watch(role, ({ put, removed }) => {
    for (const uid of removed.sources) {
      rows.delete(uid)
      secrets.delete(uid)
      renewed.delete(uid)
      lacking.delete(uid)
      look(uid)
    }
    for (const row of put.sources) {
      const { secrets: before } = rows.get(row.uid) ?? {}
      if (JSON.stringify(before) !== JSON.stringify(row.secrets)) secrets.delete(row.uid)
      rows.set(row.uid, row as SourceRow as R)
      look(row.uid)
    }
  })

  function released(uid: string, term: number): void {
    void untilHeard(() => line.released(uid, term), {
      ...{ clock, signal: stopped.signal, failed: (error) => events.notTold('released', error) },
    })
  }

  function news({ all, hold, drop, secrets: versions, place: told }: SourceNews): void {
    place = told ?? place
    const touched = new Set<string>()
    if (all) {
      for (const uid of assigned.keys()) touched.add(uid)
      assigned.clear()
    }
    for (const uid of drop) {
      const term = assigned.get(uid)
      assigned.delete(uid)
      touched.add(uid)
      if (term !== undefined && holding?.has(uid) !== true) released(uid, term)
    }
    for (const [uid, term] of hold) {
      assigned.set(uid, term)
      touched.add(uid)
    }
    for (const [uid, version] of versions) {
      const before = secrets.get(uid)
      secrets.set(uid, version)
      const isNews = before === undefined ? lacking.has(uid) : before !== version
      if (!isNews) continue
      lacking.delete(uid)
      renewed.set(uid, (renewed.get(uid) ?? 0) + 1)
      touched.add(uid)
    }
    touched.forEach(look)
  }

  /** Until the server has heard it, or there is another one to tell. */
  async function enlist(): Promise<void> {
    if (isEnlisting) return
    isEnlisting = true
    for (let told = -1; told !== connections && holding !== undefined && !stopped.signal.aborted; ) {
      const telling = connections
      const held = new Map(holding.running().map(([uid, { term }]) => [uid, term]))
      const isHeard = await untilHeard(() => line.enlist(held), {
        ...{ clock, signal: stopped.signal, failed: (error) => events.notTold('enlist', error) },
      })
      if (isHeard) told = telling
      else await sleep(clock, ENLISTING_AGAIN_MS, stopped.signal)
    }
    isEnlisting = false
  }

  const listening = line.listen({
    news,
    connected() {
      connections += 1
      void enlist()
    },
  })

  function followed({ row }: Run<R>, signal: AbortSignal): FollowedSource<R> {
    const { uid } = row
    return {
      ...{ row, signal },
      async secret(name) {
        try {
          return (await line.ask({ op: 'secret', uid, name })) as string
        } catch (error) {
          if (isFailure(error, 'SOURCE_SECRET_MISSING')) lacking.add(uid)
          throw error
        }
      },
      read: async (key) => ((await line.ask({ op: 'read', uid, key })) ?? undefined) as string | undefined,
      place: () => place,
      remember: async (key, value, ttlMs) => (await line.ask({ op: 'remember', uid, key, value, ttlMs })) as string,
    }
  }

  function held(run: Run<R>, signal: AbortSignal): HeldSource<R> {
    const { term } = run
    const about = { uid: run.row.uid, term }
    return {
      ...followed(run, signal),
      term,
      state: {
        get: async (key) => ((await line.ask({ op: 'get', ...about, key })) ?? undefined) as string | undefined,
        list: async (prefix, limit, after) =>
          (await line.ask({ op: 'list', ...about, prefix, limit, ...(after !== undefined && { after }) })) as [
            string,
            string,
          ][],
        async put(changes) {
          const all = Object.entries(changes).map(([key, value]) => [key, value ?? null] as const)
          await line.ask({ op: 'put', ...about, changes: all })
        },
      },
      report: async (report) => void (await line.ask({ op: 'report', ...about, hash: run.row.hash, report })),
    }
  }

  function runsOf(
    begin: (run: Run<R>, signal: AbortSignal) => Promise<AsyncDisposable>,
    ended: (uid: string, was: Run<R>, next: Run<R> | undefined) => void,
  ): Runs<Run<R>> {
    return createRuns<Run<R>>({
      ended,
      stopFailed: ({ row }, error) => events.stopFailed(row, error),
      async start(run, signal) {
        for (let failures = 0; !signal.aborted; failures++) {
          try {
            return await begin(run, signal)
          } catch (error) {
            if (signal.aborted) return undefined
            const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS)
            events.startFailed(run.row, retryInMs, error)
            await sleep(clock, retryInMs, signal)
          }
        }
        return undefined
      },
    })
  }

  async function end(runs: Runs<Run<R>>): Promise<void> {
    for (const [uid] of runs.running()) runs.want(uid, undefined)
    await runs.settled()
  }

  async function letGo(): Promise<void> {
    const runs = holding
    if (runs === undefined) return
    holding = undefined
    assigned.clear()
    const over = new AbortController()
    const late = clock.after(RESIGNING_MS, () => over.abort())
    await Promise.race([
      line.resign().catch((error) => events.notTold('resign', error)),
      new Promise((resolve) => over.signal.addEventListener('abort', resolve, { once: true })),
    ])
    late[Symbol.dispose]()
    await end(runs)
  }

  async function unfollow(): Promise<void> {
    const runs = following
    following = undefined
    if (runs !== undefined) await end(runs)
  }

  return {
    hold(start) {
      holding = runsOf(
        (run, signal) => start(held(run, signal)),
        (uid, was, next) => {
          if (was.term !== next?.term) released(uid, was.term)
        },
      )
      if (connections > 0) void enlist()
      return { [Symbol.asyncDispose]: letGo }
    },
    follow(start) {
      following = runsOf(
        (run, signal) => start(followed(run, signal)),
        () => {},
      )
      for (const uid of rows.keys()) look(uid)
      return { [Symbol.asyncDispose]: unfollow }
    },
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]()
      await Promise.all([letGo(), unfollow()])
      stopped.abort()
      listening[Symbol.dispose]()
    },
  }
}

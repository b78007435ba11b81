import { type Clock, sleep } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { type ContractCopy, persist } from '../contract-copy.ts'
import { byKind, isEmpty, knownOf, NO_ROWS, NOTHING_KNOWN, withDelta, withHashes } from '../delta.ts'
import { createDocument, type Document } from '../document.ts'
import { contractEvents } from '../events.ts'
import { hashOf } from '../hash.ts'
import { createPending } from '../pending.ts'
import type { Contract, ContractSource, Delta, Row, Rows } from '../rows.ts'
import type { SourceLine } from '../sources/line.ts'
import { createWatchers } from '../watchers.ts'
import { within } from '../within.ts'
import { type Answerer, answerTo } from './answering.ts'
import { connectOnce } from './connection.ts'
import { distantLine } from './distant-line.ts'
import { HEARTBEAT_MS, QUESTION_MS, type Question, type Role } from './protocol.ts'
import { readerEvents } from './reader-events.ts'
import type { ContractTransport } from './transport.ts'

const FIRST_RETRY_MS = 100
/** Well within a lease: a server that was restarted hears of everybody before it believes anybody. */
const LONGEST_RETRY_MS = 3_000
const LEAVING_MS = 1_000
const NEVER = new AbortController().signal

export interface FollowContractDeps {
  readonly transport: ContractTransport
  readonly copy: ContractCopy
  /** The names under which the roles of this process call `watch`; acknowledged is what is in force in all of them. */
  readonly roles: readonly Role[]
  readonly replica: string
  /** New with each process. */
  readonly instance: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** For the jitter of reconnections, in [0, 1). */
  readonly random: () => number
}

/** A contract that is followed from another process. */
export interface FollowedContract extends ContractSource, AsyncDisposable {
  /** Why there is no contract yet; undefined once there is one, however old. */
  ready(): string | undefined
  /** What keeps this process from the newest contract; undefined while its server is heard. */
  warning(): string | undefined
  /** How a service of sources reaches the server beside its rows. */
  readonly line: SourceLine
  /** Answers the questions of the server about this topic from now on. */
  answer(topic: string, answerer: Answerer): void
}

/**
 * Follows the contract of a server, from its copy on disk on:
 *
 *   message ─► received ─► saved on disk ─► handed to the roles ─► acknowledged, once in force in each
 *      └── older, or not understood ──► refused, the connection is given up, the last one stays
 *
 * Rejects with DATA_DIR_UNUSABLE where the copy can't be read.
 */
export async function followContract(deps: FollowContractDeps): Promise<FollowedContract> {
  const { transport, copy, roles, replica, instance, clock, telemetry, random } = deps
  const own = contractEvents(telemetry)
  const loaded = await copy.load()
  if (loaded.setAside !== undefined) own.copySetAside(loaded.setAside)
  // hashes are computed, not believed: somebody may have edited the file
  const held = loaded.value && { ...loaded.value, ...withHashes(loaded.value) }
  /** On disk. */
  let saved = held && createDocument(held)
  let received = held && createDocument(held)
  /** Received and not on disk. */
  const unsaved = createPending()
  let isConnected = false
  let connecting: { reason: string; since: number } | undefined
  let saveProblem: string | undefined
  let wakeSaver = () => {}
  const stop = new AbortController()
  const watchers = createWatchers(() => saved, { clock, events: own })
  const events = readerEvents(telemetry, { isConnected: () => isConnected, revision: () => saved?.revision ?? 0 })
  if (saved !== undefined) events.startsFromCopy({ epoch: saved.epoch, revision: saved.revision })

  function take(delta: Delta): void {
    const base = received ?? createDocument(NOTHING)
    const { epoch, revision } = delta
    if (epoch < base.epoch || revision < base.revision) {
      const text = `the server's contract is epoch ${epoch}, revision ${revision}; this service holds epoch ${base.epoch}, revision ${base.revision}`
      throw new EventingError({ code: 'CONTRACT_BEHIND', epoch, revision }, text)
    }
    if (received !== undefined && isEmpty(delta) && isAt(base, delta)) return
    unsaved.add(base.apply(hashed(delta)))
    received = base
    const count = (of: Readonly<Record<string, readonly unknown[]>>) => Object.values(of).flat().length
    events.received({ epoch, revision, put: count({ ...delta.put }), removed: count(delta.removed) })
    wakeSaver()
  }

  async function save(): Promise<void> {
    for (let failures = 0; !stop.signal.aborted; ) {
      if (received === undefined || (saved !== undefined && isAt(saved, received) && unsaved.isEmpty())) {
        await new Promise<void>((resolve) => (wakeSaver = resolve))
        continue
      }
      const { epoch, revision } = received
      const delta = { epoch, revision, ...unsaved.take() }
      // Not what is received meanwhile: of that, the next delta says only what is new since this one
      const whole = () => withDelta(saved?.contract() ?? NOTHING, delta)
      try {
        // A change within a revision mends a copy that was edited; changes on disk are told apart by their revision
        if (saved !== undefined && isAt(saved, delta)) await copy.save(whole())
        else await persist(copy, { from: saved?.revision ?? 0, delta, whole })
        saved ??= createDocument(NOTHING)
        failures = 0
        saveProblem = undefined
        watchers.announce(saved.apply(delta))
      } catch (error) {
        unsaved.giveBack(delta)
        const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS)
        saveProblem = (error as Error).message
        events.copyFailed({ revision, retryInMs }, error)
        await sleep(clock, retryInMs, stop.signal)
      }
    }
  }

  /** In force in every role, and so on disk. */
  function acknowledged(): { epoch: number; revision?: number } {
    const byRole = watchers.acknowledgements()
    const revisions = roles.map((role) => byRole.get(role))
    const lowest = revisions.includes(undefined) ? undefined : Math.min(...(revisions as number[]))
    return { epoch: saved?.epoch ?? 0, ...(lowest !== undefined && { revision: lowest }) }
  }

  const line = distantLine({ transport, instance, clock })
  const answerers = new Map<string, Answerer>()
  async function asked(question: Question, signal: AbortSignal): Promise<void> {
    const failed = (error: unknown) => events.answerFailed({ topic: question.topic }, error)
    const answer = await answerTo(question, { instance, answerers, failed })
    await within(QUESTION_MS, signal, clock, (over) => transport.answer(answer, over)).catch(failed)
  }

  async function follow(): Promise<void> {
    for (let failures = 0; !stop.signal.aborted; ) {
      const hello = {
        ...{ roles, replica, instance, epoch: received?.epoch ?? 0, revision: received?.revision ?? 0 },
        known: received === undefined ? NOTHING_KNOWN : knownOf(received.contract()),
      }
      const startedAt = clock.monotonic()
      const onConnected = () => {
        isConnected = true
        line.connected()
        events.connected({ url: transport.url, revision: received?.revision ?? 0 })
      }
      const reason = await connectOnce({
        ...{ transport, clock, hello, take, asked, onConnected, acknowledged, news: line.news },
        changed: watchers.changed,
        signal: stop.signal,
      })
      line.disconnected()
      if (stop.signal.aborted) return
      if (isConnected || connecting === undefined) connecting = { reason: '', since: clock.monotonic() }
      isConnected = false
      connecting.reason = (reason as Error).message
      if (clock.monotonic() - startedAt >= HEARTBEAT_MS) failures = 0
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS) * (0.5 + random() / 2)
      events.disconnected({ url: transport.url, retryInMs }, reason)
      await sleep(clock, retryInMs, stop.signal)
    }
  }

  const running = [follow(), save()]
  const away = () =>
    connecting === undefined
      ? `connecting to ${transport.url}`
      : `${connecting.reason} (for ${Math.round((clock.monotonic() - connecting.since) / 1000)} s)`

  return {
    watch: watchers.watch,
    line,
    answer: (topic, answerer) => void answerers.set(topic, answerer),
    ready: () =>
      saved === undefined ? `no contract yet: ${saveProblem ?? (isConnected ? 'on its way' : away())}` : undefined,
    warning() {
      if (saved === undefined) return undefined
      const held = `revision ${saved.revision} stays in force`
      if (saveProblem !== undefined) return `${held}: ${saveProblem}`
      return isConnected ? undefined : `${held}: ${away()}`
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      wakeSaver()
      await Promise.all(running)
      await copy.idle?.()
      events[Symbol.dispose]()
      const leaving = { ...acknowledged(), instance, leaving: true }
      await within(LEAVING_MS, NEVER, clock, (over) => transport.acknowledge(leaving, over)).catch(() => undefined)
      await transport[Symbol.asyncDispose]()
    },
  }
}

const NOTHING: Contract = { ...NO_ROWS, epoch: 0, revision: 0 }

function isAt(one: Pick<Document, 'epoch' | 'revision'>, other: Pick<Document, 'epoch' | 'revision'>): boolean {
  return one.epoch === other.epoch && one.revision === other.revision
}

/** Hashes are computed, not believed. */
function hashed(delta: Delta): Delta {
  const put = byKind((kind) => (delta.put[kind] as readonly Row[]).map((row) => ({ ...row, hash: hashOf(row) })))
  return { ...delta, put: put as unknown as Rows }
}

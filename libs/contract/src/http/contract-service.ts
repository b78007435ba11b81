import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { difference, routingRevisionOf, routingUpTo } from '../delta.ts'
import { interestOf, isSourceRole, narrowedChange, narrowedContract, SOURCE_ROLES } from '../interest.ts'
import { createPending } from '../pending.ts'
import type { Contract, ContractSource } from '../rows.ts'
import type { SourceCall } from '../sources/line-schema.ts'
import type { SourceOffice } from '../sources/office/source-office.ts'
import type { ContractStore } from '../store.ts'
import { type Changed, either, whenHolds } from '../when-holds.ts'
import { within } from '../within.ts'
import { createLeases, type Replica } from './leases.ts'
import { partsOf } from './parts.ts'
import {
  type Acknowledgement,
  type Answer,
  HEARTBEAT_MS,
  type Hello,
  invalid,
  LEASE_MS,
  MAX_REPLICAS,
  type Message,
  type RoutingRole,
} from './protocol.ts'
import { createQuestions, type Questions } from './questions.ts'
import type { ServerEvents } from './server-events.ts'

export interface ContractServiceDeps {
  readonly store: ContractStore
  /** Ready needs one live replica of each. */
  readonly expected: readonly RoutingRole[]
  /** Who says which service of sources runs what; absent: they get their rows, and hold none. */
  readonly sources?: SourceOffice
  readonly clock: Clock
  readonly events: ServerEvents
  readonly telemetry: Pick<Telemetry, 'gauge'>
  readonly leaseMs?: number
  /** Nobody is believed for this long after the start; default a lease term. */
  readonly settleMs?: number
  readonly maxReplicas?: number
}

/** The contract for readers in other processes, whatever carries the messages. */
export interface ContractService extends Disposable {
  snapshot(): Contract
  /**
   * What a reader lacks, then each change, with questions and heartbeats between; ends when its lease does or `signal` aborts.
   * Pulled: what came while a message was on its way is one delta. Throws CONTRACT_BEHIND, CONTRACT_REPLICAS_FULL.
   */
  watch(hello: Hello, signal: AbortSignal): AsyncIterable<Message>
  /** Throws CONTRACT_LEASE_UNKNOWN, CONTRACT_REQUEST_INVALID. */
  acknowledge(acknowledgement: Acknowledgement): void
  /** Throws CONTRACT_LEASE_UNKNOWN. */
  answer(answer: Answer): void
  /** What a service of sources says or asks. Throws CONTRACT_LEASE_UNKNOWN, and rejects with what was refused. */
  readonly callOfSource: (call: SourceCall) => Promise<unknown>
  readonly ask: Questions['ask']
  replicas(): readonly Replica[]
  /** Which roles nobody follows the contract in, or undefined. */
  missing(): string | undefined
  /** What is behind a reader of late, or undefined: this server was restored from an old copy. */
  behind(): string | undefined
  /** The store as whoever asks for acknowledgements sees it: those of its own watchers and of every replica. */
  readonly contract: ContractSource &
    Pick<ContractStore, 'contract' | 'publish' | 'change' | 'changed' | 'acknowledged' | 'lacking' | 'whenAcknowledged'>
}

export function createContractService(deps: ContractServiceDeps): ContractService {
  const { store, clock, events, expected, sources, leaseMs = LEASE_MS, maxReplicas = MAX_REPLICAS } = deps
  const settleMs = deps.settleMs ?? leaseMs
  const leases = createLeases({
    ...{ clock, leaseMs, settleMs, maxReplicas, expected, onExpired: events.leaseExpired },
    onEnded: ({ instance }, reason) => sources?.leave(instance, reason),
    onAcknowledged: ({ instance, acknowledged = -1 }) => sources?.acknowledged(instance, acknowledged),
  })
  const questions = createQuestions({ clock, leases })
  const gauge = deps.telemetry.gauge(
    'contract_replicas_live',
    { description: 'Replicas with a live lease, by role' },
    () =>
      [...expected, ...SOURCE_ROLES].map((role) => ({
        value: leases.live().filter(({ roles }) => roles.includes(role)).length,
        labels: { role },
      })),
  )
  let behind: { readonly text: string; readonly at: number } | undefined

  const isOlder = ({ epoch, revision }: Hello) => {
    const held = store.contract()
    return epoch > held.epoch || revision > held.revision
  }
  /** Of a revision what concerns ingress, filter and dispatcher: more they are not told of. */
  const routing = (revision: number) => routingUpTo(revision, store.contract())
  const acknowledged = (revision: number) => store.acknowledged(revision) && leases.acknowledged(routing(revision))
  const changed = either(store.changed, leases.changed)

  function watch(hello: Hello, signal: AbortSignal): AsyncIterable<Message> {
    if (isOlder(hello)) {
      const { epoch, revision } = store.contract()
      const text = `the contract here is epoch ${epoch}, revision ${revision}; ${hello.replica} holds epoch ${hello.epoch}, revision ${hello.revision}`
      behind = { text, at: clock.monotonic() }
      throw new EventingError({ code: 'CONTRACT_BEHIND', epoch, revision }, text)
    }
    const cut = new AbortController()
    const lease = leases.open(hello, () => cut.abort())
    events.connected({ roles: hello.roles, replica: hello.replica, instance: hello.instance })
    return messages(hello, AbortSignal.any([signal, cut.signal]), lease)
  }

  async function* messages(
    hello: Hello,
    signal: AbortSignal,
    lease: { sent(revision: number): void },
  ): AsyncGenerator<Message> {
    const [role = ''] = hello.roles
    const { instance } = hello
    const interest = interestOf(role)
    const pending = createPending()
    let hasMissed = false
    let wake = () => {}
    if (sources !== undefined && isSourceRole(role))
      sources.join({ role, replica: hello.replica, instance }, () => wake())
    const hasNews = () => sources?.hasNews(instance) === true
    const woken = (listener: () => void): Disposable => {
      wake = listener
      return { [Symbol.dispose]: () => (wake = () => {}) }
    }
    const hasSomething = () => hasMissed || questions.hasNext(instance) || hasNews()
    const following = store.changes((change) => {
      const own = narrowedChange(change, interest)
      if (own === undefined) return
      pending.add(own)
      hasMissed = true
    })
    try {
      const contract = narrowedContract(store.contract(), interest)
      lease.sent(contract.revision)
      yield* partsOf(difference(hello.known, contract))
      while (!signal.aborted) {
        if (hasMissed) {
          hasMissed = false
          const contract = store.contract()
          const { epoch } = contract
          const revision = interest === 'routing' ? routingRevisionOf(contract) : contract.revision
          lease.sent(revision)
          yield* partsOf({ epoch, revision, ...pending.take() })
          continue
        }
        const question = questions.next(instance)
        const news = hasNews() ? sources?.news(instance) : undefined
        if (question !== undefined) yield { type: 'question', ...question }
        if (news !== undefined) yield { type: 'sources', ...news }
        if (question !== undefined || news !== undefined) continue
        if (!(await somethingWithin(HEARTBEAT_MS, signal, hasSomething, woken)) && !signal.aborted)
          yield { type: 'heartbeat' }
      }
    } finally {
      following[Symbol.dispose]()
    }
  }

  function somethingWithin(ms: number, signal: AbortSignal, isThere: () => boolean, woken: Changed): Promise<boolean> {
    const changed = either(either(store.changed, questions.changed), woken)
    return within(ms, signal, clock, (over) => whenHolds(isThere, changed, over))
  }

  async function callOfSource(call: SourceCall): Promise<unknown> {
    const { instance } = call
    leases.check(instance)
    if (sources === undefined) throw invalid(['nobody here says which service of sources runs what'])
    if (call.say === 'ask') return sources.ask(instance, call.question)
    if (call.say === 'enlist') sources.enlist(instance, new Map(call.held))
    else if (call.say === 'resign') sources.resign(instance)
    else sources.released(instance, call.uid, call.term)
    return undefined
  }

  return {
    snapshot: () => store.contract(),
    watch,
    acknowledge(acknowledgement) {
      leases.renew(acknowledgement, store.contract().epoch)
    },
    answer(answer) {
      leases.check(answer.instance)
      questions.answered(answer)
    },
    callOfSource,
    ask: questions.ask,
    replicas: () => leases.live(),
    missing() {
      const roles = expected.filter((role) => !leases.live().some((replica) => replica.roles.includes(role)))
      return roles.length === 0 ? undefined : `nobody follows the contract as ${roles.join(', ')}`
    },
    behind: () => (behind !== undefined && clock.monotonic() - behind.at < leaseMs ? behind.text : undefined),
    contract: {
      watch: store.watch,
      contract: store.contract,
      publish: store.publish,
      change: store.change,
      changed,
      acknowledged,
      lacking: (revision) => [...store.lacking(revision), ...leases.lacking(routing(revision))],
      whenAcknowledged: (revision, signal) => whenHolds(() => acknowledged(revision), changed, signal),
    },
    [Symbol.dispose]() {
      gauge[Symbol.dispose]()
      leases[Symbol.dispose]()
    },
  }
}

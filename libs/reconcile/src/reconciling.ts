import type { ChannelDriver } from '@sluice/channel'
import { DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION, type LogRow, logOptions } from '@sluice/contract'
import type { ServedVersion } from '@sluice/resources/api'
import type { Telemetry } from '@sluice/telemetry'
import { ledgerEvents } from './ledger/events.ts'
import { createLedger, type LedgerStore } from './ledger/index.ts'
import { type NotInForce, triggersNotInForce } from './not-in-force.ts'
import { createPrograms, type ProgramsDeps, type WantedLog } from './programs/index.ts'
import { startReconcilers } from './runtime/start-reconcilers.ts'
import type { Secrets } from './secrets.ts'
import { startSeenTypes } from './seen-types.ts'

export interface ReconcilingDeps extends Omit<ProgramsDeps, 'ledger' | 'secrets' | 'checkLog'> {
  readonly store: LedgerStore
  /**
   * Where events are stored: for EventTypes to be made of those that come in, and logs of former sources to go once
   * they are empty. Absent: no EventTypes are made, and such logs go by time.
   */
  readonly driver?: Pick<ChannelDriver, 'read' | 'backlog' | 'parked' | 'check'>
  /** Told where Secrets are, for services of sources and for Kafka's; absent: nobody wants any. */
  readonly secrets?: Pick<Secrets, 'follow' | 'read'>
  readonly parkedRetentionMs: number
  readonly telemetry: Telemetry
}

/** The reconcilers that keep the contract what an API says, whoever serves it. */
export interface Reconciling extends AsyncDisposable {
  /** Resolves once the contract says what the objects say, as they were when it was asked; not before they are known. */
  settled(): Promise<void>
  /** The Triggers of a Broker that the data plane does not know, each with why. */
  notInForce(namespace: string, broker: string): readonly NotInForce[]
}

/** Begins with the rows of the contract as it is, and keeps them until every object was looked at. The client stays open. */
export function startReconciling(deps: ReconcilingDeps): Reconciling {
  const { store, clock, telemetry, client, parkedRetentionMs } = deps
  const stack = new AsyncDisposableStack()
  const failed = ledgerEvents(telemetry).failed
  const isDrained = deps.driver && drainedIn(deps.driver)
  const ledger = stack.use(createLedger({ store, clock, parkedRetentionMs, isDrained, failed }))
  const { driver } = deps
  const checkLog = async (log: WantedLog) => driver?.check?.(log.channel, logOptions(log))
  const { programs, seen, wantsTypes } = createPrograms({ ...deps, ledger, checkLog })
  const reconcilers = stack.use(startReconcilers({ client, programs, clock, telemetry }))
  if (deps.driver !== undefined) {
    const looking = { driver: deps.driver, contract: () => store.contract(), isWanted: wantsTypes, seen }
    stack.use(startSeenTypes({ ...looking, clock, telemetry }))
  }
  const secret = deps.table.ofKind('v1', 'Secret') as ServedVersion
  if (deps.secrets !== undefined) stack.use(deps.secrets.follow(() => client.informer(secret)))
  const kinds = new Set(programs.flatMap(({ kind, watches }) => [kind, ...watches.map((watched) => watched.kind)]))
  const known = Promise.all([...kinds].map((kind) => client.informer(kind).synced))
  const triggers = client.informer(deps.table.ofKind('eventing.knative.dev/v1', 'Trigger') as ServedVersion)
  const hasRoute = (uid: string) => ledger.rows(uid).route !== undefined
  return {
    notInForce: (namespace, broker) => triggersNotInForce(triggers.list(namespace), hasRoute, broker),
    async settled() {
      await known
      for (let revision = -1; revision !== store.contract().revision; ) {
        revision = store.contract().revision
        await reconcilers.settled()
        await ledger.published()
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Nothing waits to be copied into the queue, nothing waits there, and nothing is parked. */
function drainedIn(driver: Pick<ChannelDriver, 'backlog' | 'parked'>) {
  return async ({ channel, queues }: LogRow): Promise<boolean> => {
    const [log, queue] = [
      await driver.backlog(channel, FILTER_SUBSCRIPTION),
      await driver.backlog(queues, DISPATCH_SUBSCRIPTION),
    ]
    if (log.events + queue.events > 0) return false
    return (
      (await driver.parked(channel, { limit: 1 })).length + (await driver.parked(queues, { limit: 1 })).length === 0
    )
  }
}

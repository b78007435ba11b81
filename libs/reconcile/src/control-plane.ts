import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { openRegistry, type Registry } from '@sluice/resource-api'
import { apiTable } from '@sluice/resources/api'
import type { Telemetry } from '@sluice/telemetry'
import { adoptedUids } from './adopted-uids.ts'
import { embeddedClient } from './api/embedded-client.ts'
import { ledgerEvents } from './ledger/events.ts'
import { createLedger, type LedgerStore } from './ledger/index.ts'
import { type ManifestsFolder, startManifestsFolder } from './manifests/manifests-folder.ts'
import { type NotInForce, triggersNotInForce } from './not-in-force.ts'
import { createPrograms, type ProgramsDeps } from './programs/index.ts'
import { startReconcilers } from './runtime/start-reconcilers.ts'
import { startSeenTypes } from './seen-types.ts'

export interface ControlPlaneDeps
  extends Pick<ProgramsDeps, 'addresses' | 'drivers' | 'services' | 'backlogMaxBytes' | 'retention'> {
  /** File of the resources; `:memory:` for tests. */
  readonly path: string
  readonly store: LedgerStore
  /** Folder of manifests that are applied; absent: the API alone says what there is. */
  readonly manifests?: string
  /** Where events are stored, for EventTypes to be made of those that come in; absent: none are. */
  readonly driver?: Pick<ChannelDriver, 'read'>
  readonly parkedRetentionMs: number
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** The embedded API with the reconcilers that keep the contract what it says. */
export interface ControlPlane extends AsyncDisposable {
  readonly registry: Registry
  /** What is wrong with the folder of manifests: `file:line:col: path: problem`. */
  problems(): readonly string[]
  /** Resolves once the contract says what the objects say, as they were when it was asked. */
  settled(): Promise<void>
  /** The Triggers of a Broker that the data plane does not know, each with why. */
  notInForce(namespace: string, broker: string): readonly NotInForce[]
}

/**
 * Opens the resources, applies the manifests and starts the reconcilers. The data plane keeps the rows it has until
 * every object was looked at. Rejects with MANIFESTS_INVALID, DATA_DIR_IN_USE, DATA_DIR_UNUSABLE.
 */
export async function startControlPlane(deps: ControlPlaneDeps): Promise<ControlPlane> {
  const { store, clock, telemetry, parkedRetentionMs } = deps
  await using starting = new AsyncDisposableStack()
  const adopted = adoptedUids(store.contract())
  const table = apiTable()
  const registry = starting.use(
    await openRegistry({ path: deps.path, table, clock, telemetry, newUid: adopted.newUid }),
  )
  adopted.leave(registry)
  const folder = deps.manifests === undefined ? undefined : starting.use(await folderOf(deps.manifests, registry, deps))
  adopted.end()
  const client = starting.use(embeddedClient(registry))
  const failed = ledgerEvents(telemetry).failed
  const ledger = starting.use(createLedger({ store, clock, parkedRetentionMs, failed }))
  const hasRoute = (uid: string) => ledger.rows(uid).route !== undefined
  const { programs, seen, wantsTypes } = createPrograms({ ...deps, client, table, ledger })
  const reconcilers = starting.use(startReconcilers({ client, programs, clock, telemetry }))
  if (deps.driver !== undefined) {
    const looking = { driver: deps.driver, contract: () => store.contract(), isWanted: wantsTypes, seen }
    starting.use(startSeenTypes({ ...looking, clock, telemetry }))
  }
  const started = starting.move()
  return {
    registry,
    problems: () => folder?.problems() ?? [],
    notInForce: (namespace, broker) => triggersNotInForce(registry, hasRoute, namespace, broker),
    async settled() {
      for (let revision = -1; revision !== store.contract().revision; ) {
        revision = store.contract().revision
        await reconcilers.settled()
        await ledger.published()
      }
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function folderOf(
  folder: string,
  registry: Registry,
  { clock, telemetry }: ControlPlaneDeps,
): Promise<ManifestsFolder> {
  return startManifestsFolder({ folder, registry, clock, telemetry })
}

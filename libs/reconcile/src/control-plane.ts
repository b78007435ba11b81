import { openRegistry, type Registry } from '@sluice/resource-api'
import { apiTable } from '@sluice/resources/api'
import { adoptedUids } from './adopted-uids.ts'
import { embeddedClient } from './api/embedded-client.ts'
import { type ManifestsFolder, startManifestsFolder } from './manifests/manifests-folder.ts'
import { type Reconciling, type ReconcilingDeps, startReconciling } from './reconciling.ts'

export interface ControlPlaneDeps extends Omit<ReconcilingDeps, 'client' | 'table' | 'clusterDomain'> {
  /** File of the resources; `:memory:` for tests. */
  readonly path: string
  /** Folder of manifests that are applied; absent: the API alone says what there is. */
  readonly manifests?: string
}

/** The embedded API with the reconcilers that keep the contract what it says. */
export interface ControlPlane extends Reconciling {
  readonly registry: Registry
  /** What is wrong with the folder of manifests: `file:line:col: path: problem`. */
  problems(): readonly string[]
}

/**
 * Opens the resources, applies the manifests and starts the reconcilers. The data plane keeps the rows it has until
 * every object was looked at. Rejects with MANIFESTS_INVALID, DATA_DIR_IN_USE, DATA_DIR_UNUSABLE.
 */
export async function startControlPlane(deps: ControlPlaneDeps): Promise<ControlPlane> {
  const { store, clock, telemetry } = deps
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
  const reconciling = starting.use(startReconciling({ ...deps, client, table }))
  const started = starting.move()
  return {
    ...reconciling,
    registry,
    problems: () => folder?.problems() ?? [],
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

import { type Clock, systemClock } from '@sluice/clock'
import { type ContractStore, contractCopy, createContractStore } from '@sluice/contract'
import { openRegistry, type Registry } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import type { Telemetry } from '@sluice/telemetry'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import {
  createLedger,
  createPrograms,
  embeddedClient,
  type Ledger,
  overChanges,
  type Reconcilers,
  startReconcilers,
} from '../src/index.ts'

export const table = apiTable()
const BY = { fieldManager: 'test' }

export interface Installation extends AsyncDisposable {
  readonly registry: Registry
  readonly store: ContractStore
  readonly telemetry: Telemetry
  readonly ledger: Ledger
  readonly reconcilers: Reconcilers
  create(object: ApiObject): Promise<void>
  get(kind: string, name: string): ApiObject
  ready(kind: string, name: string): string | undefined
}

/** The real thing, in one process: the registry in a file, its client, the runtime, the contract. */
export async function startInstallation(folder: string, clock: Clock = systemClock): Promise<Installation> {
  const stack = new AsyncDisposableStack()
  const telemetry = createTestTelemetry()
  const registry = stack.use(await openRegistry({ path: `${folder}/api.db`, table, clock, telemetry }))
  const copy = contractCopy(`${folder}/contract.json`)
  const store = await createContractStore({ clock, telemetry, copy })
  stack.use(store.watch('dispatcher-0', () => {}))
  const failed = (error: unknown) => telemetry.log.error({ err: error }, 'rows could not be published')
  const ledger = stack.use(createLedger({ store: overChanges(store), clock, parkedRetentionMs: 604_800_000, failed }))
  const client = stack.use(embeddedClient(registry))
  const { programs } = createPrograms({
    ...{ client, table, ledger, clock, services: {}, backlogMaxBytes: 1000 },
    addresses: {
      internal: () => 'http://127.0.0.1:8080/',
      external: () => 'http://127.0.0.1:8080/',
      changed: () => ({ [Symbol.dispose]: () => {} }),
    },
    drivers: { default: 'embedded', has: (name) => name === 'embedded', fix: (name) => `name ${name} in DRIVERS` },
    retention: { maxAgeMs: 1000, maxBytes: 1000 },
  })
  const reconcilers = stack.use(startReconcilers({ client, programs, clock, telemetry }))
  const served = (kind: string) =>
    table.served.find(({ kind: { kind: name }, version }) => name === kind && version.storage) as ServedVersion
  const get = (kind: string, name: string) => registry.get(served(kind), { namespace: 'default', name })
  return {
    ...{ registry, store, telemetry, ledger, reconcilers, get },
    async create(object) {
      await registry.create(served(object.kind), 'default', object, BY)
    },
    ready(kind, name) {
      const { conditions = [] } = (get(kind, name).status ?? {}) as { conditions?: { type: string; status: string }[] }
      return conditions.find(({ type }) => type === 'Ready')?.status
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

import { createTestTelemetry } from '@sluice/telemetry/testing'
import { settle, VirtualClock } from '@sluice/testkit'
import {
  type AnySourceRow,
  type ContractStore,
  createContractStore,
  createSourceDesk,
  type HeldSource,
  inProcessLine,
  openSourceOffice,
  type SecretReader,
  type SecretReference,
  type SourceDesk,
  type SourceOffice,
} from '../src/index.ts'

/** Secrets that a test changes. */
export function fakeSecrets() {
  const values = new Map<string, string>()
  const versions = new Map<string, number>()
  const listeners = new Set<() => void>()
  const of = ({ namespace, name }: Pick<SecretReference, 'namespace' | 'name'>) => `${namespace}/${name}`
  const reader: SecretReader = {
    read: async (reference) => values.get(`${of(reference)}/${reference.key}`),
    version: (secret) => versions.get(of(secret))?.toString(),
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  return {
    reader,
    set(reference: SecretReference, value: string) {
      values.set(`${of(reference)}/${reference.key}`, value)
      versions.set(of(reference), (versions.get(of(reference)) ?? 0) + 1)
      for (const listener of [...listeners]) listener()
    },
  }
}

/** Notes what a desk starts and stops. */
export function observe(desk: SourceDesk & AsyncDisposable, log: string[] = []) {
  const held = new Map<string, HeldSource>()
  /** Awaited when a row stops. */
  const stopping = { gate: async () => {} }
  const holding = desk.hold(async (source) => {
    const { uid } = source.row
    log.push(`+${uid} ${source.term}`)
    held.set(uid, source)
    return {
      async [Symbol.asyncDispose]() {
        await stopping.gate()
        log.push(`-${uid} ${source.term}`)
        if (held.get(uid) === source) held.delete(uid)
      },
    }
  })
  return { held, log, holding, stopping }
}

/** Store, office and replicas in one process, over a clock that stands still. */
export class DeskWorld {
  readonly clock = new VirtualClock()
  readonly telemetry = createTestTelemetry()
  readonly secrets = fakeSecrets()
  store!: ContractStore
  office!: SourceOffice
  #replicas = 0

  async open(options: { path?: string; limits?: object } = {}): Promise<this> {
    const { clock, telemetry } = this
    this.store = await createContractStore({ clock, telemetry })
    this.office = await openSourceOffice({
      ...{ store: this.store, clock, telemetry, path: options.path ?? ':memory:', settleMs: 0 },
      ...{ secrets: this.secrets.reader, limits: options.limits ?? {} },
    })
    return this
  }

  replica(): ReturnType<typeof observe> & { desk: SourceDesk & AsyncDisposable } {
    const { clock, telemetry, store, office } = this
    const role = 'source-cron'
    const line = inProcessLine({ office, store, role, replica: `r${++this.#replicas}` })
    const desk = createSourceDesk({ role, contract: store, line, clock, telemetry })
    return { ...observe(desk), desk }
  }

  async put(...sources: AnySourceRow[]): Promise<void> {
    await this.store.change({ put: { sources }, removed: {} })
    await settle()
  }

  async remove(...uids: string[]): Promise<void> {
    await this.store.change({ put: {}, removed: { sources: uids } })
    await settle()
  }
}

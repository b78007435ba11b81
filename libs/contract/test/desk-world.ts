import { createTestTelemetry } from '@sluice/telemetry/testing'
import { settle, VirtualClock } from '@sluice/testkit'
import {
  type AnySourceRow,
  type Contract,
  type ContractStore,
  createContractService,
  createContractStore,
  createSourceDesk,
  followContract,
  type HeldSource,
  inProcessLine,
  openSourceOffice,
  type SecretReader,
  type SecretReference,
  type SourceDesk,
  type SourceOffice,
  type SourceRole,
  serverEvents,
} from '../src/index.ts'
import { memoryCopy } from './apart.ts'
import { MemoryNetwork } from './memory-transport.ts'

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

export type DeskMode = 'in one process' | 'apart'

export interface TestReplica extends ReturnType<typeof observe> {
  readonly desk: SourceDesk & AsyncDisposable
  /** The way to the server; false: nothing passes. */
  readonly link: { isUp: boolean }
  /** Ends without a word. */
  kill(): Promise<void>
  /** Ends in order. */
  stop(): Promise<void>
}

/** Store, office and replicas, over a clock that stands still; apart, they meet over a network that can be cut. */
export class DeskWorld {
  readonly mode: DeskMode
  readonly clock = new VirtualClock()
  readonly telemetry = createTestTelemetry()
  readonly secrets = fakeSecrets()
  readonly network = new MemoryNetwork()
  readonly #copy = memoryCopy<Contract>()
  readonly #options: { path?: string; limits?: object }
  store!: ContractStore
  office!: SourceOffice
  #replicas = 0

  constructor(mode: DeskMode, options: { path?: string; limits?: object } = {}) {
    this.mode = mode
    this.#options = options
  }

  /** Starts the server for the first time, and lets it see that nobody was there before. */
  async begin(): Promise<this> {
    await this.open()
    if (this.mode === 'apart') await this.clock.advance(10_000)
    return this
  }

  /** Starts the server, again after `down`. */
  async open(): Promise<this> {
    const { clock, telemetry, mode } = this
    const { path = ':memory:', limits = {} } = this.#options
    this.store = await createContractStore({ clock, telemetry, copy: this.#copy })
    const { store } = this
    this.office = await openSourceOffice({
      ...{ store, clock, telemetry, path, limits, secrets: this.secrets.reader, isInThread: true },
      ...(mode === 'in one process' && { settleMs: 0 }),
    })
    if (mode === 'apart')
      this.network.server = createContractService({
        ...{ store, clock, telemetry, sources: this.office, expected: [], events: serverEvents(telemetry) },
      })
    return this
  }

  /** The server is killed. */
  async down(): Promise<void> {
    this.network.server?.[Symbol.dispose]()
    this.network.server = undefined
    this.network.cut()
    await this.office[Symbol.asyncDispose]()
  }

  async replica(role: SourceRole = 'source-cron'): Promise<TestReplica> {
    const { clock, telemetry, store, office } = this
    const replica = `r${++this.#replicas}`
    const link = { isUp: true }
    if (this.mode === 'in one process') {
      const line = inProcessLine({ office, store, role, replica })
      const desk = createSourceDesk({ role, contract: store, line, clock, telemetry })
      return { ...observe(desk), desk, link, kill: async () => {}, stop: async () => desk[Symbol.asyncDispose]() }
    }
    const contract = await followContract({
      ...{ clock, telemetry, transport: this.network.transport(link), copy: memoryCopy<Contract>() },
      ...{ roles: [role], replica, instance: `${replica}-instance`, random: () => 0.5 },
    })
    const desk = createSourceDesk({ role, contract, line: contract.line, clock, telemetry })
    const kill = async () => {
      link.isUp = false
      // what it still does nobody hears of
      void contract[Symbol.asyncDispose]()
    }
    await this.settle()
    const stop = async () => {
      await desk[Symbol.asyncDispose]()
      await contract[Symbol.asyncDispose]()
    }
    return { ...observe(desk), desk, link, kill, stop }
  }

  async settle(): Promise<void> {
    await settle(12)
  }

  async put(...sources: AnySourceRow[]): Promise<void> {
    await this.store.change({ put: { sources }, removed: {} })
    await this.settle()
  }

  async remove(...uids: string[]): Promise<void> {
    await this.store.change({ put: {}, removed: { sources: uids } })
    await this.settle()
  }
}

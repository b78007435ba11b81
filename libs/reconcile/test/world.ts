import { setImmediate } from 'node:timers/promises'
import { type Contract, type ContractStore, type Copy, createContractStore, readContract } from '@sluice/contract'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createLedger, type Ledger, overChanges } from '../src/ledger/index.ts'
import { createPrograms, type ProgramsDeps, type SeenType } from '../src/programs/index.ts'
import type { ObjectEvent, Program } from '../src/runtime/program.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { memoryClient } from './memory-client.ts'

export const table = apiTable()
const MAX_TURNS = 200_000

export interface WorldOptions {
  readonly deps?: Partial<ProgramsDeps>
  /** Drivers besides the default one. */
  readonly drivers?: readonly string[]
  readonly kafka?: NonNullable<ProgramsDeps['drivers']['kafka']>
  /** Nobody reads the contract. */
  readonly isDeaf?: true
  /** A world that goes on: the same API, the contract it left behind. */
  readonly after?: World
}

/** Programs over an API in memory and a real contract, run to rest in virtual time. */
export class World {
  readonly clock: ManualClock
  readonly api: ReturnType<typeof memoryClient>
  readonly events: (ObjectEvent & { readonly about: string })[] = []
  store!: ContractStore
  ledger!: Ledger
  copy: Contract | undefined
  reconciled = 0
  seen!: (type: SeenType) => Promise<void>
  readonly #queue = new Map<string, () => Promise<void>>()
  readonly #again = new Map<string, () => Promise<void>>()
  readonly #watching: Disposable[] = []
  readonly #options: WorldOptions

  constructor(options: WorldOptions) {
    this.#options = options
    this.clock = options.after?.clock ?? manualClock()
    this.api = options.after?.api ?? memoryClient(() => this.clock.now())
    this.copy = options.after?.copy
  }

  async start(): Promise<this> {
    const { deps, drivers = [], kafka, isDeaf } = this.#options
    const copy: Pick<Copy<Contract>, 'load' | 'save'> = {
      load: async () => (this.copy ? { value: this.copy } : {}),
      save: async (value) => {
        // no revision may name what is not there: a reader would refuse its copy
        const read = readContract(structuredClone(value))
        if ('problems' in read) throw new Error(read.problems.join('\n'))
        this.copy = value
      },
    }
    this.store = await createContractStore({ clock: this.clock, telemetry: createTestTelemetry(), copy })
    if (!isDeaf) this.store.watch('dispatcher-0', () => {})
    const failed = (error: unknown) => {
      throw error
    }
    const store = overChanges(this.store)
    this.ledger = createLedger({ store, clock: this.clock, parkedRetentionMs: 7 * 86_400_000, failed })
    const { programs, seen } = createPrograms({
      ...{ client: this.api.client, table, ledger: this.ledger, clock: this.clock },
      addresses: {
        internal: () => 'http://127.0.0.1:8080/',
        external: () => 'http://sluice.example/',
        changed: () => ({ [Symbol.dispose]: () => {} }),
      },
      drivers: {
        default: 'embedded',
        has: (name) => name === 'embedded' || drivers.includes(name),
        fix: (name) => `name ${name} in DRIVERS`,
        ...(kafka && { kafka }),
      },
      services: { 'default/event-display': 'http://127.0.0.1:9000/' },
      ...{ backlogMaxBytes: 1000, retention: { maxAgeMs: 86_400_000, maxBytes: 2 ** 30 } },
      ...deps,
    })
    this.seen = seen
    for (const [i, program] of programs.entries()) this.#follow(program, i)
    await this.rest()
    return this
  }

  #follow(program: Program, number: number): void {
    const { client } = this.api
    const enqueue = (key: { readonly namespace?: string; readonly name: string }) => {
      const id = `${number} ${key.namespace ?? ''}/${key.name}`
      if (!this.#queue.has(id)) this.#queue.set(id, () => this.#reconcile(program, key, id))
    }
    this.#watching.push(client.informer(program.kind).changed(({ key }) => enqueue(key)))
    for (const { kind, concerns } of program.watches)
      this.#watching.push(client.informer(kind).changed((change) => concerns(change).forEach(enqueue)))
    if (program.listen) this.#watching.push(program.listen(enqueue))
  }

  async #reconcile(
    program: Program,
    key: { readonly namespace?: string; readonly name: string },
    id: string,
  ): Promise<void> {
    const informer = this.api.client.informer(program.kind)
    const object = informer.get(key)
    this.reconciled++
    const { status, events = [], againInMs } = await program.reconcile(key, object)
    this.#again.delete(id)
    if (againInMs !== undefined) this.#again.set(id, () => this.#reconcile(program, key, id))
    const about = `${program.kind.kind.kind} ${key.name}`
    this.events.push(...events.map((event) => ({ ...event, about })))
    const now = informer.get(key)
    if (status === undefined || now === undefined || JSON.stringify(now.status) === JSON.stringify(status)) return
    await this.api.client.updateStatus(program.kind, { ...now, status })
  }

  /** Runs until nothing is left to do; who asked to look again does so once, after 2 s. */
  async rest(): Promise<void> {
    let isAgain = false
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      const [next] = this.#queue
      if (next !== undefined) {
        this.#queue.delete(next[0])
        await next[1]()
        continue
      }
      const fired = this.clock.advance(10)
      await this.ledger.published()
      await setImmediate()
      await setImmediate()
      if (fired > 0 || this.#queue.size > 0) continue
      if (isAgain || this.#again.size === 0) return
      isAgain = true
      this.clock.advance(2000)
      for (const [id, look] of this.#again) this.#queue.set(id, look)
    }
    throw new Error('does not come to rest')
  }

  /** Ends the programs; the API and the contract stay. */
  async end(): Promise<void> {
    for (const each of this.#watching) each[Symbol.dispose]()
    await this.ledger[Symbol.asyncDispose]()
  }

  kind(kind: string): ServedVersion {
    return table.served.find((served) => served.version.storage && served.kind.kind === kind) as ServedVersion
  }

  /** Creates objects, or makes those that are there so, and runs to rest. */
  async apply(...objects: readonly ApiObject[]): Promise<void> {
    for (const object of objects) {
      const kind = this.kind(object.kind)
      if (this.get(object.kind, object.metadata.name ?? '', object.metadata.namespace) === undefined)
        await this.api.client.create(kind, object)
      else await this.api.client.update(kind, object)
    }
    await this.rest()
  }

  async remove(kind: string, name: string, namespace = 'default'): Promise<void> {
    await this.api.client.delete(this.kind(kind), { namespace, name })
    await this.rest()
  }

  get(kind: string, name: string, namespace = 'default'): ApiObject | undefined {
    return this.api.client.informer(this.kind(kind)).get({ namespace, name })
  }

  status(kind: string, name: string, namespace = 'default'): Readonly<Record<string, unknown>> {
    return (this.get(kind, name, namespace)?.status ?? {}) as Readonly<Record<string, unknown>>
  }

  /** `[status, reason]`, without the reason where there is none. */
  condition(kind: string, name: string, type = 'Ready', namespace = 'default'): readonly string[] {
    const all = (this.status(kind, name, namespace).conditions ?? []) as readonly Record<string, string>[]
    const { status = 'absent', reason } = all.find((each) => each.type === type) ?? {}
    return reason === undefined ? [status] : [status, reason]
  }

  message(kind: string, name: string, type = 'Ready'): string {
    const all = (this.status(kind, name).conditions ?? []) as readonly Record<string, string>[]
    return all.find((each) => each.type === type)?.message ?? ''
  }

  rows(): Contract {
    return this.store.contract()
  }
}

export function createWorld(options: WorldOptions = {}): Promise<World> {
  return new World(options).start()
}

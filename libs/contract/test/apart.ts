import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { withDelta } from '../src/delta.ts'
import {
  createContractService,
  type FollowedContract,
  followContract,
  type Role,
  type RoutingRole,
  serverEvents,
} from '../src/http/index.ts'
import {
  type Contract,
  type ContractCopy,
  type Copy,
  createContractStore,
  type Delta,
  type LogRow,
  type Row,
  type Rows,
} from '../src/index.ts'
import { MemoryNetwork } from './memory-transport.ts'

export const NONE: Rows = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }

/** A log, its address, and a route to a delivery per name. */
export function rows(names: readonly string[], orderKey = 'partitionkey'): Rows {
  const named = (name: string) => ({ uid: name, hash: '', namespace: 'default', name })
  return {
    logs: names.map(
      (name): LogRow => ({
        ...named(name),
        kind: 'broker',
        ...{ channel: `log/${name}`, queues: `queues/${name}`, lanes: 8, orderKey },
        retention: { maxAgeMs: 1000, maxBytes: 1000 },
      }),
    ),
    ingresses: names.map((name) => ({ ...named(name), path: `/default/${name}`, log: name })),
    routes: names.map((name) => ({ ...named(name), log: name, filter: {}, delivery: name, since: 0 })),
    deliveries: names.map((name) => ({
      ...named(name),
      channel: `queues/${name}`,
      subscriber: { url: `http://subscriber/${name}`, internal: false },
      spec: { retry: 1, backoffPolicy: 'linear', backoffDelayMs: 1, timeoutMs: 1 },
      ...{ maxInFlight: 1, backlogMaxBytes: 1, strictReplies: false },
    })),
    sources: [],
  }
}

/** A disk that keeps one value, and can be full. */
export function memoryCopy<T>(): Copy<T> & { held: T | undefined; isFull: boolean } {
  return {
    held: undefined,
    isFull: false,
    async load() {
      return this.held === undefined ? {} : { value: JSON.parse(JSON.stringify(this.held)) as T }
    },
    async save(value) {
      if (this.isFull) throw new Error('no space left')
      this.held = JSON.parse(JSON.stringify(value)) as T
    },
  }
}

/** The same disk, kept by changes: each third one finds it written whole anew, in its own time. */
export function memoryCopyByChanges(): ReturnType<typeof memoryCopy<Contract>> & ContractCopy {
  let count = 0
  return {
    ...memoryCopy<Contract>(),
    async append({ from, delta, whole }) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (this.held === undefined || ++count % 3 === 0) return this.save(whole())
      if (this.isFull) throw new Error('no space left')
      if (from > this.held.revision) throw new Error(`changes from ${this.held.revision} to ${from} are missing`)
      const isOld = delta.epoch === this.held.epoch && delta.revision <= this.held.revision
      if (!isOld) this.held = JSON.parse(JSON.stringify(withDelta(this.held, delta))) as Contract
    },
  }
}

/** What a role has been told, put together. */
export class FakeRole {
  readonly held: Record<keyof Rows, Map<string, Row>> = {
    logs: new Map(),
    ingresses: new Map(),
    routes: new Map(),
    deliveries: new Map(),
    sources: new Map(),
  }
  revision: number | undefined
  /** Awaited by each delta. */
  gate: () => Promise<void> = async () => {}

  readonly apply = async (delta: Delta) => {
    await this.gate()
    for (const kind of ['logs', 'ingresses', 'routes', 'deliveries', 'sources'] as const) {
      for (const uid of delta.removed[kind]) this.held[kind].delete(uid)
      for (const row of delta.put[kind]) this.held[kind].set(row.uid, row)
    }
    this.revision = delta.revision
  }

  rows(): Rows {
    const sorted = (of: Map<string, Row>) => [...of.values()].toSorted((a, b) => (a.uid < b.uid ? -1 : 1))
    const { logs, ingresses, routes, deliveries, sources } = this.held
    return {
      logs: sorted(logs),
      ingresses: sorted(ingresses),
      routes: sorted(routes),
      deliveries: sorted(deliveries),
      sources: sorted(sources),
    } as unknown as Rows
  }
}

/** A server and its readers in one process, over a network that can be cut; time stands still until told. */
export class Apart {
  readonly clock = new VirtualClock()
  readonly telemetry = createTestTelemetry()
  readonly network = new MemoryNetwork()
  readonly serverCopy = memoryCopy<Contract>()
  #instances = 0

  async serve(options: { expected?: readonly RoutingRole[]; maxReplicas?: number } = {}) {
    const { clock, telemetry } = this
    const store = await createContractStore({ clock, telemetry, copy: this.serverCopy })
    store.watch('channels', () => {})
    const service = createContractService({
      ...{ store, clock, expected: options.expected ?? ['filter'], events: serverEvents(telemetry), telemetry },
      ...(options.maxReplicas !== undefined && { maxReplicas: options.maxReplicas }),
    })
    this.network.server = service
    return { store, service, contract: service.contract }
  }

  /** The server is killed: its readers see the line break, and nobody answers. */
  kill(): void {
    this.network.server?.[Symbol.dispose]()
    this.network.server = undefined
    this.network.cut()
  }

  async follow(
    options: { replica?: string; roles?: readonly Role[]; copy?: Copy<Contract>; link?: { isUp: boolean } } = {},
  ): Promise<FollowedContract> {
    const { clock, telemetry } = this
    return followContract({
      ...{ clock, telemetry, transport: this.network.transport(options.link) },
      ...{ copy: options.copy ?? memoryCopy<Contract>(), roles: options.roles ?? ['filter'] },
      ...{ replica: options.replica ?? 'f1', instance: `instance-${this.#instances++}`, random: () => 0.5 },
    })
  }
}

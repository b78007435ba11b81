import type { Connection } from '@platformatic/kafka'
import { metadataV8 } from '@platformatic/kafka'
import type { KafkaOptions } from '../../config.ts'
import { unavailable } from '../../errors.ts'
import type { Broker, Connections } from '../client.ts'
import { asked } from './asked.ts'
import { PlatformaticBroker } from './broker.ts'
import type { Cluster } from './cluster.ts'

export class PlatformaticConnections implements Connections {
  readonly #cluster: Cluster
  readonly #options: KafkaOptions
  /** By node, those that are connected or on their way. */
  readonly #byNode = new Map<number, Promise<Connection>>()
  /** Of which nobody has told yet whose it is. */
  #first: Promise<Connection> | undefined
  #controller: number | undefined
  #isClosed = false

  constructor(cluster: Cluster, options: KafkaOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  get nodes(): readonly number[] {
    return this.#cluster.nodes
  }

  /** Where the brokers are known each is connected to when it is asked. */
  async connect(): Promise<void> {
    if (this.nodes.length === 0) await this.#any()
  }

  async refresh(): Promise<void> {
    const connection = await this.#any()
    const { brokers, controllerId } = await asked(metadataV8.api.async(connection, [], false))
    this.#controller = controllerId
    this.#cluster.learn(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }] as const))
  }

  async broker(node: number): Promise<Broker> {
    return new PlatformaticBroker(await this.#to(node), this.#options)
  }

  async controller(): Promise<Broker> {
    if (this.#controller === undefined) await this.refresh()
    return this.broker(this.#controller ?? -1)
  }

  async any(): Promise<Broker> {
    return new PlatformaticBroker(await this.#any(), this.#options)
  }

  /** It asks about what it wants to know. */
  target(): void {}

  async close(): Promise<void> {
    this.#isClosed = true
    const open = [...this.#byNode.values(), ...(this.#first === undefined ? [] : [this.#first])]
    await Promise.all(open.map((each) => each.then((connection) => connection.close()).catch(() => undefined)))
  }

  async #any(): Promise<Connection> {
    for (const each of this.#byNode.values()) {
      const connection = await each.catch(() => undefined)
      if (connection?.isConnected()) return connection
    }
    this.#first ??= this.#kept(this.#cluster.connectToAny(), () => {
      this.#first = undefined
    })
    return this.#first
  }

  async #to(node: number): Promise<Connection> {
    const known = this.#byNode.get(node)
    if (known !== undefined) return known
    if (this.#cluster.addressOf(node) === undefined) await this.refresh()
    const address = this.#cluster.addressOf(node)
    if (address === undefined) throw unavailable(`the cluster has no broker ${node} now`)
    const before = this.#byNode.get(node)
    if (before !== undefined) return before
    const connecting = this.#kept(this.#cluster.connect(address), () => this.#byNode.delete(node))
    this.#byNode.set(node, connecting)
    return connecting
  }

  /** Until it fails or ends: then the next who asks connects again. */
  async #kept(connecting: Promise<Connection>, forget: () => void): Promise<Connection> {
    try {
      const connection = await connecting
      connection.once('close', forget)
      connection.once('closing', forget)
      if (!connection.isConnected()) throw unavailable('the connection ended as soon as it was made')
      if (this.#isClosed) await connection.close()
      return connection
    } catch (error) {
      forget()
      throw error
    }
  }
}

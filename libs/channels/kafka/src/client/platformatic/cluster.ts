import { isIP, type Socket } from 'node:net'
import { Connection, type ConnectionOptions } from '@platformatic/kafka'
import { type Broker as Address, checkOptions, DEFAULT_REQUEST_MS, type KafkaOptions } from '../../config.ts'
import { asked } from './asked.ts'

const CONNECT_MS = 2_000
const KEEP_ALIVE_MS = 60_000
/** On one connection, which answers in order; fetches that wait have their own. */
const MOST_REQUESTS = 64

/** Where the brokers of one cluster are, and how they are reached. */
export class Cluster implements Disposable {
  readonly #options: KafkaOptions
  readonly #first: readonly Address[]
  readonly #sockets = new Set<Socket>()
  #brokers: ReadonlyMap<number, Address> = new Map()
  #turn = 0

  /** Throws CONFIG_INVALID. */
  constructor(options: KafkaOptions) {
    this.#options = options
    this.#first = checkOptions(options)
  }

  get nodes(): readonly number[] {
    return [...this.#brokers.keys()]
  }

  addressOf(node: number): Address | undefined {
    return this.#brokers.get(node)
  }

  /** As the cluster tells them. */
  learn(brokers: Iterable<readonly [node: number, Address]>): void {
    this.#brokers = new Map(brokers)
  }

  /** To the first that takes it, of those that were given and those that were told; each time another is asked first. */
  async connectToAny(): Promise<Connection> {
    const all = [...this.#first, ...this.#brokers.values()]
    const turn = this.#turn++ % all.length
    let failure: unknown
    for (const address of [...all.slice(turn), ...all.slice(0, turn)]) {
      try {
        return await this.connect(address)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  async connect({ host, port }: Address): Promise<Connection> {
    const { clientId = 'sluice', reach = (broker) => broker } = this.#options
    const reached = reach({ host, port })
    const connection = new Connection(clientId, this.#connectionOptions(host))
    // It rejects whoever asked, and says so once more
    connection.on('error', () => undefined)
    const connecting = connection.connect(reached.host, reached.port) as Promise<void>
    this.#keep(connection.socket)
    try {
      await asked(connecting)
    } catch (error) {
      connection.socket.destroy()
      throw error
    }
    return connection
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
  }

  #connectionOptions(host: string): ConnectionOptions {
    const { sasl, tls, requestMs = DEFAULT_REQUEST_MS } = this.#options
    return {
      connectTimeout: CONNECT_MS + (sasl === undefined ? 0 : requestMs),
      requestTimeout: requestMs,
      maxInflights: MOST_REQUESTS,
      ...(tls && { tls: { ...tls }, ...(isIP(host) === 0 && { tlsServerName: host }) }),
      ...(sasl && {
        sasl: {
          ...{ mechanism: MECHANISM[sasl.mechanism], username: sasl.user, password: sasl.password },
        },
      }),
    }
  }
}

const MECHANISM = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const

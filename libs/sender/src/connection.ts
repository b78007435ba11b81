import type { Socket } from 'node:net'
import { type buildConnector, Client, type Dispatcher } from 'undici'
import { Exchange } from './exchange.ts'

interface ConnectionOptions extends Omit<Client.Options, 'connect'> {
  readonly connect: buildConnector.connector
}

/** One kept connection. Each exchange on it learns how much it had read before, so that a stale one is told apart. */
export class Connection extends Client {
  #socket: Socket | undefined

  constructor(origin: URL | string, { connect, ...options }: ConnectionOptions) {
    super(origin, {
      ...options,
      connect: (asked, callback) =>
        connect(asked, (...result) => {
          this.#socket = result[1] ?? undefined
          callback(...result)
        }),
    })
  }

  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof Exchange) handler.connection = this
    return super.dispatch(options, handler)
  }
}

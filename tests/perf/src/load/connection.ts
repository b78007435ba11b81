import { connect, type Socket } from 'node:net'

export interface ConnectionDeps {
  readonly host: string
  readonly port: number
  /** Called with the status, or 0 when the connection broke while a request was out. It is connected anew at the next send. */
  readonly onAnswer: (connection: Connection, status: number) => void
}

/**
 * One keep-alive connection that has one request out at a time and reads of an answer only its status: a client this
 * small costs a third of the server's work per request, so that the server under test stays the bottleneck.
 */
export class Connection {
  readonly #deps: ConnectionDeps
  #socket: Socket | undefined
  #answer = ''
  #isWaiting = false
  /** Scheduled send time of the request that is out, for the generator. */
  sentAt = 0

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
  }

  send(head: string, body: string | Buffer): void {
    this.#isWaiting = true
    this.#socket ??= this.#open()
    const socket = this.#socket
    if (typeof body === 'string') {
      socket.write(head + body, 'latin1')
      return
    }
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(body)
    socket.uncork()
  }

  close(): void {
    this.#isWaiting = false
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = connect({ host: this.#deps.host, port: this.#deps.port, noDelay: true })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#socket = undefined
      this.#finish(0)
    })
    return socket
  }

  #read(chunk: Buffer): void {
    this.#answer += chunk.toString('latin1')
    const head = this.#answer.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#answer)?.[1]
    const isWhole =
      length === undefined
        ? !/\r\ntransfer-encoding: *chunked/i.test(this.#answer) || this.#answer.endsWith('0\r\n\r\n')
        : this.#answer.length >= head + 4 + Number(length)
    if (isWhole) this.#finish(Number(this.#answer.slice(9, 12)))
  }

  #finish(status: number): void {
    this.#answer = ''
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#deps.onAnswer(this, status)
  }
}

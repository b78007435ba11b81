import {
  type ContractService,
  type ContractTransport,
  type Message,
  readAcknowledgement,
  readAnswer,
  readHello,
  readMessage,
  readSourceCall,
  unreachable,
  writeHello,
  writeMessage,
} from '../src/http/index.ts'

/** The line between readers and a server that comes and goes; what passes is written and read as over HTTP. */
export class MemoryNetwork {
  server: ContractService | undefined
  /** Acknowledgements that arrived, in order. */
  readonly acknowledged: { replica: string; epoch: number; revision: number | undefined }[] = []
  #cut = new AbortController()
  #replicas = new Map<string, string>()

  /** Ends every watch under way. */
  cut(): void {
    this.#cut.abort()
    this.#cut = new AbortController()
  }

  transport(link: { isUp: boolean } = { isUp: true }): ContractTransport {
    const reach = () => {
      if (this.server === undefined || !link.isUp) throw unreachable('memory:', 'nobody is there')
      return this.server
    }
    return {
      url: 'memory:',
      watch: async (hello, signal, alive) => {
        this.#replicas.set(hello.instance, hello.replica)
        const either = AbortSignal.any([signal, this.#cut.signal])
        const read = readHello(JSON.parse(writeHello(hello)))
        return over(reach().watch(read, either), alive, link)
      },
      acknowledge: async (acknowledgement) => {
        const read = readAcknowledgement(JSON.parse(JSON.stringify(acknowledgement)))
        reach().acknowledge(read)
        const { instance, epoch, revision } = read
        this.acknowledged.push({ replica: this.#replicas.get(instance) ?? '', epoch, revision })
      },
      callOfSource: async (call) =>
        written(await reach().callOfSource(readSourceCall(JSON.parse(JSON.stringify(call))))),
      answer: async (answer) => reach().answer(readAnswer(JSON.parse(JSON.stringify(answer)))),
      [Symbol.asyncDispose]: async () => {},
    }
  }
}

function written(answer: unknown): unknown {
  return (JSON.parse(JSON.stringify({ answer })) as { answer?: unknown }).answer
}

/** As a stream does: after something got lost nothing arrives any more. */
async function* over(messages: AsyncIterable<Message>, alive: () => void, link: { isUp: boolean }) {
  let isBroken = false
  for await (const message of messages) {
    isBroken ||= !link.isUp
    if (isBroken) continue
    alive()
    yield readMessage(JSON.parse(writeMessage(message)))
  }
}

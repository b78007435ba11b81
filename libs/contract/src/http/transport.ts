import { EventingError, isFailure } from '@sluice/errors'
import { Agent, type Dispatcher, request } from 'undici'
import type { SourceCall } from '../sources/line-schema.ts'
import { linesOf } from './lines.ts'
import {
  ACKNOWLEDGE_PATH,
  type Acknowledgement,
  ANSWER_PATH,
  type Answer,
  type Hello,
  invalid,
  MAX_MESSAGE_BYTES,
  type Message,
  PROTOCOL,
  readMessage,
  SOURCE_CONNECTIONS,
  SOURCES_PATH,
  STREAM_TYPE,
  WATCH_PATH,
  writeHello,
} from './protocol.ts'
import { sourceRefusal } from './source-refusal.ts'

/** How a reader reaches its server; in one process for tests, over HTTP otherwise. */
export interface ContractTransport extends AsyncDisposable {
  /** Where to, for logs; never a secret. */
  readonly url: string
  /**
   * Rejects with the server's refusal, or CONTRACT_UNREACHABLE. The iteration ends with the connection. `alive` is
   * called whenever something arrives, be it a part of a message.
   */
  watch(hello: Hello, signal: AbortSignal, alive: () => void): Promise<AsyncIterable<Message>>
  acknowledge(acknowledgement: Acknowledgement, signal: AbortSignal): Promise<void>
  answer(answer: Answer, signal: AbortSignal): Promise<void>
  /** Resolves with what was answered. */
  callOfSource(call: SourceCall, signal: AbortSignal): Promise<unknown>
}

export interface HttpTransportOptions {
  /** `http://host:port` or `https://…`; a path in front of `/contract` is kept. */
  readonly url: string
  readonly token?: string | undefined
  /** PEM of who signed the server's certificate, where the system does not know them. */
  readonly ca?: string | undefined
}

const MAX_REFUSAL_BYTES = 16_384
/** A page of a list, however it is escaped. */
const MAX_SOURCE_ANSWER_BYTES = 8 * 1024 * 1024

/** Over HTTP. Times are the caller's: each call ends when its signal aborts. */
export function httpTransport({ url, token, ca }: HttpTransportOptions): ContractTransport {
  const base = url.replace(/\/$/, '')
  const options = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 0, ...(ca !== undefined && { ca }) } }
  const agent = new Agent(options)
  /** Thousands of sources may have something to write down at once. */
  const sources = new Agent({ ...options, connections: SOURCE_CONNECTIONS })
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }

  async function post(
    path: string,
    body: string,
    signal: AbortSignal,
    dispatcher = agent,
  ): Promise<Dispatcher.ResponseData> {
    const answer = await request(base + path, { method: 'POST', headers, body, signal, dispatcher })
    if (answer.statusCode >= 300) throw await refusal(answer, base)
    return answer
  }

  async function tell(path: string, what: object, signal: AbortSignal): Promise<void> {
    try {
      const { body } = await post(path, JSON.stringify(what), signal)
      await body.dump()
    } catch (error) {
      throw translated(error, base)
    }
  }

  return {
    url: base,
    watch: (hello, signal, alive) =>
      post(WATCH_PATH, writeHello(hello), signal)
        .then(({ headers, body }) => {
          const type = String(headers['content-type'])
          if (type !== STREAM_TYPE) throw unreachable(base, `it answers with ${type}: something else listens there`)
          return messagesOf(body, base, alive)
        })
        .catch((error) => Promise.reject(translated(error, base))),
    acknowledge: (acknowledgement, signal) => tell(ACKNOWLEDGE_PATH, acknowledgement, signal),
    answer: (answer, signal) => tell(ANSWER_PATH, answer, signal),
    async callOfSource(call, signal) {
      try {
        const body = JSON.stringify(call)
        const { body: answered } = await post(SOURCES_PATH, body, signal, sources)
        return answerOf(parse(Buffer.concat(await chunksOf(answered, MAX_SOURCE_ANSWER_BYTES)).toString()))
      } catch (error) {
        throw translated(error, base)
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([agent.destroy(), sources.destroy()])
    },
  }
}

async function* messagesOf(body: AsyncIterable<Buffer>, url: string, alive: () => void): AsyncGenerator<Message> {
  try {
    for await (const line of linesOf(body, MAX_MESSAGE_BYTES, alive)) yield readMessage(parse(line))
  } catch (error) {
    throw translated(error, url)
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw invalid([`the message is not JSON: ${(error as Error).message}`])
  }
}

interface Problem extends Readonly<Record<string, unknown>> {
  readonly code?: unknown
  readonly detail?: unknown
}

/** The server's refusal in our codes; of anything else its status, as no part of Sluice answered. */
async function refusal({ statusCode, body }: Dispatcher.ResponseData, url: string): Promise<EventingError> {
  const { code, detail, ...fields } = problemOf(Buffer.concat(await chunksOf(body, MAX_REFUSAL_BYTES)).toString())
  const words = String(detail).slice(0, 1_000)
  if (code === 'CONTRACT_LEASE_UNKNOWN') return new EventingError({ code, instance: '' }, words)
  const ofSource = sourceRefusal(code, fields)
  if (ofSource !== undefined) return new EventingError(ofSource, words)
  if (code === 'CONTRACT_FORBIDDEN') return new EventingError({ code, reason: words }, `${url}: ${words}`)
  if (code === 'CONTRACT_UNAUTHORIZED') return new EventingError({ code }, `${url}: ${words}`)
  if (code === 'CONTRACT_BEHIND') return new EventingError({ code, epoch: 0, revision: 0 }, `${url}: ${words}`)
  if (code === 'CONTRACT_PROTOCOL_UNSUPPORTED') {
    const text = `${url}: ${words}; this service speaks ${PROTOCOL}`
    return new EventingError({ code, protocol: String(PROTOCOL), supported: [PROTOCOL] }, text)
  }
  if (code === 'CONTRACT_REQUEST_INVALID') return new EventingError({ code, problem: words }, `${url}: ${words}`)
  return unreachable(url, typeof code === 'string' ? words : `it answers ${statusCode}: something else listens there`)
}

/** What is beyond `maxBytes` is left out. */
async function chunksOf(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes) break
    chunks.push(chunk)
  }
  return chunks
}

function answerOf(body: unknown): unknown {
  return (body as { answer?: unknown } | null)?.answer
}

function problemOf(text: string): Problem {
  try {
    return (JSON.parse(text) ?? {}) as Problem
  } catch {
    return {}
  }
}

function translated(error: unknown, url: string): unknown {
  if (error instanceof EventingError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return unreachable(url, message || code || String(error), error)
}

export function unreachable(url: string, reason: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'CONTRACT_UNREACHABLE', url, reason }, `${url}: ${reason}`, { cause })
}

/** The lease has ended: the watch that belongs to it is to be opened anew. */
export function isLeaseLost(error: unknown): boolean {
  return isFailure(error, 'CONTRACT_LEASE_UNKNOWN')
}

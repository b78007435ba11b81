import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Clock } from '@sluice/clock'
import { httpUrl } from '@sluice/config'
import { EventingError, listenFailure } from '@sluice/errors'
import { type FastifyError, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { authenticate, requirePrivate } from './authentication.ts'
import type { ContractService } from './contract-service.ts'
import {
  ACKNOWLEDGE_PATH,
  ANSWER_PATH,
  MAX_ANSWER_BYTES,
  MAX_HELLO_BYTES,
  MAX_REPLICAS,
  MAX_SOURCES_BYTES,
  PROTOCOL,
  readAcknowledgement,
  readAnswer,
  readHello,
  readSourceCall,
  SNAPSHOT_PATH,
  SOURCE_CONNECTIONS,
  SOURCES_PATH,
  WATCH_PATH,
} from './protocol.ts'
import { sendStream } from './send-stream.ts'
import type { ServerEvents } from './server-events.ts'

export interface ServeContractDeps {
  readonly service: ContractService
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Asked of every request. Absent: on loopback only, which the caller sees to. */
  readonly token?: string | undefined
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  readonly clock: Clock
  readonly events: ServerEvents
}

export interface ContractServer extends AsyncDisposable {
  /** As this machine reaches it, with the actual port. */
  readonly url: string
}

const SLOW_CLIENT_LIMITS = { headersTimeout: 5_000, requestTimeout: 30_000, connectionsCheckingInterval: 1_000 }
/** Each replica has a watch, a connection for its acknowledgements, may be reconnecting, and asks for its sources. */
const MAX_CONNECTIONS = (3 + SOURCE_CONNECTIONS) * MAX_REPLICAS
/** Around an answer. */
const MAX_ENVELOPE_BYTES = 4_096
const RETRY_AFTER_S = '1'
const STATUS: Readonly<Record<string, number>> = {
  CONTRACT_REQUEST_INVALID: 400,
  CONTRACT_PROTOCOL_UNSUPPORTED: 400,
  CONTRACT_UNAUTHORIZED: 401,
  CONTRACT_FORBIDDEN: 403,
  CONTRACT_BEHIND: 409,
  CONTRACT_LEASE_UNKNOWN: 410,
  CONTRACT_REPLICAS_FULL: 503,
  SOURCE_NOT_HELD: 409,
  SOURCE_SECRET_MISSING: 404,
  SOURCE_STATE_TOO_LARGE: 413,
  SOURCE_STATE_UNAVAILABLE: 503,
}

/** Listens. Rejects with PORT_IN_USE or ADDRESS_UNUSABLE, and with CONFIG_INVALID for a certificate that is none. */
export async function serveContract(deps: ServeContractDeps): Promise<ContractServer> {
  const { service, host, port, clock, events, tls } = deps
  const stopped = new AbortController()
  const app = fastify({
    bodyLimit: MAX_HELLO_BYTES,
    forceCloseConnections: true,
    serverFactory: (handler) => bounded(createHttpServer(handler, tls)),
  })
  app.addHook('onRequest', async (request) => authenticate(request.headers, deps.token))
  app.setErrorHandler((error: FastifyError, request, reply) => answer(failureOf(error), request, reply))
  app.setNotFoundHandler((request, reply) => answer(unknownPath(request.url), request, reply))

  app.get(SNAPSHOT_PATH, (_request, reply) => reply.send(service.snapshot()))
  app.post(ACKNOWLEDGE_PATH, (request, reply) => {
    service.acknowledge(readAcknowledgement(request.body))
    return reply.code(204).send()
  })
  app.post(ANSWER_PATH, { bodyLimit: MAX_ANSWER_BYTES + MAX_ENVELOPE_BYTES }, (request, reply) => {
    service.answer(readAnswer(request.body))
    return reply.code(204).send()
  })
  app.post(SOURCES_PATH, { bodyLimit: MAX_SOURCES_BYTES }, async (request, reply) => {
    const call = readSourceCall(request.body)
    if (call.say === 'ask' && call.question.op === 'secret') requirePrivate(request.ip, tls !== undefined)
    return reply.header('cache-control', 'no-store').send({ answer: await service.callOfSource(call) })
  })
  app.post(WATCH_PATH, async (request, reply) => {
    const hello = readHello(request.body)
    const gone = new AbortController()
    const messages = service.watch(hello, AbortSignal.any([gone.signal, stopped.signal]))
    reply.hijack()
    const { raw: response } = reply
    response.on('close', () => gone.abort())
    const reason = await sendStream(messages, response, { clock, signal: gone.signal })
    if (reason !== undefined) events.cut({ replica: hello.replica, reason })
  })

  function answer(failure: Answer, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { status, code, detail, error, fields } = failure
    if (status >= 500 && code === 'INTERNAL') events.failed({ path: request.url }, error)
    else events.refused({ code, path: request.url.slice(0, MAX_SHOWN), from: request.ip })
    if (status === 503) reply.header('retry-after', RETRY_AFTER_S)
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    return reply
      .code(status)
      .type('application/problem+json')
      .send({ type: 'about:blank', status, code, detail, ...fields })
  }

  await app.ready()
  const bound = await listen(app.server, host, port)
  const url = httpUrl(host, bound)
  return {
    url: tls === undefined ? url : url.replace('http:', 'https:'),
    async [Symbol.asyncDispose]() {
      stopped.abort()
      const closed = new Promise((resolve) => app.server.close(resolve))
      app.server.closeAllConnections()
      await closed
      await app.close()
    },
  }
}

const MAX_SHOWN = 200

interface Answer {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly error?: unknown
  /** Of the failure, for whoever acts on it. */
  readonly fields?: object
}

function failureOf(error: FastifyError): Answer {
  if ((error as unknown) instanceof EventingError) {
    const { detail, message } = error as unknown as EventingError
    const status = STATUS[detail.code] ?? 500
    const { code: _, ...fields } = detail
    if (detail.code.startsWith('SOURCE_')) return { status, code: detail.code, detail: message, error, fields }
    return { status, code: detail.code, detail: status === 500 ? 'internal error' : message, error }
  }
  const status = error.statusCode ?? 500
  return status < 500
    ? { status, code: 'CONTRACT_REQUEST_INVALID', detail: error.message }
    : { status: 500, code: 'INTERNAL', detail: 'internal error', error }
}

function unknownPath(url: string): Answer {
  const [, protocol] = /^\/contract\/v([^/?]{1,20})(?:[/?]|$)/.exec(url) ?? []
  if (protocol === undefined || protocol === String(PROTOCOL)) {
    return { status: 404, code: 'CONTRACT_REQUEST_INVALID', detail: 'there is nothing at this path' }
  }
  const detail = `protocol ${protocol} is not spoken here: this server speaks ${PROTOCOL}`
  return { status: 400, code: 'CONTRACT_PROTOCOL_UNSUPPORTED', detail }
}

function createHttpServer(handler: RequestListener, tls: ServeContractDeps['tls']): Server {
  if (tls === undefined) return createServer(SLOW_CLIENT_LIMITS, handler)
  try {
    return createTlsServer({ ...SLOW_CLIENT_LIMITS, ...tls, minVersion: 'TLSv1.2' }, handler)
  } catch (error) {
    const problem = `the certificate or its key can't be used: ${(error as Error).message}`
    throw new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem, { cause: error })
  }
}

function bounded(server: Server): Server {
  server.maxConnections = MAX_CONNECTIONS
  return server
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(listenFailure(error, host, port))
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

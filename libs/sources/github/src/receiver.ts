import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '@sluice/clock'
import { httpUrl } from '@sluice/config'
import { EventingError, failureOf, listenFailure } from '@sluice/errors'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { GitHubEvents } from './events.ts'
import { problemOf } from './problem.ts'
import { type ReceivingSource, receive } from './receive.ts'

export interface ReceiverDeps {
  readonly clock: Clock
  readonly events: GitHubEvents
  /** Of a body. */
  readonly maxBodyBytes: number
  /** By path, such as `/sources/default/githubsource/hooks`. */
  readonly sources: ReadonlyMap<string, ReceivingSource>
}

export interface Receiver extends AsyncDisposable {
  /** Answers a request below `/sources/` of a server that others share. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Serves a port of its own. Rejects with PORT_IN_USE or ADDRESS_UNUSABLE. */
  listen(host: string, port: number): Promise<string>
  /** New requests get 503 from now on; resolves when the running ones are answered. */
  drain(): Promise<void>
}

/** Read at once: beyond, 503. Each may be as large as an event. */
const MAX_REQUESTS = 64
const LIMITS = {
  requestTimeout: 10_000,
  keepAliveTimeout: 75_000,
  connectionTimeout: 60_000,
  forceCloseConnections: 'idle',
}
const HEADERS = { maxHeaderSize: 32 * 1024, headersTimeout: 5_000 }
const ANSWERS = { stored: 'accepted', ignored: 'ignored: the source has not asked for this event' }

/** Takes the requests of webhooks for all sources of this process. */
export async function createReceiver(deps: ReceiverDeps): Promise<Receiver> {
  const { events, maxBodyBytes } = deps
  let running = 0
  let draining = false
  let onIdle: () => void = () => {}

  const app = fastify({
    ...{ logger: false, bodyLimit: maxBodyBytes, exposeHeadRoutes: false, return503OnClosing: false },
    ...(LIMITS as { forceCloseConnections: 'idle' }),
    http: HEADERS,
    // a namespace and a name may be longer than fastify expects of a part of a path
    routerOptions: { maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => void refuse(asOurs(error, maxBodyBytes), { request, reply, deps }),
  })
  // the bytes as they came: they are signed
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async (request, reply) => {
    running += 1
    reply.raw.once('close', () => {
      running -= 1
      if (running === 0) onIdle()
    })
    if (request.method !== 'POST') throw methodNotAllowed(request.method)
    const source = sourceAt(request, deps)
    checkCoding(request)
    if (draining) throw new EventingError({ code: 'DRAINING' }, 'this service is being stopped; redeliver later')
    if (running > MAX_REQUESTS) {
      const detail = { code: 'SOURCE_UNAVAILABLE', source: source.row.name, retryAfterMs: 0 } as const
      throw new EventingError(detail, `${MAX_REQUESTS} requests are being read already; redeliver later`)
    }
  })
  app.post('/sources/*', async (request, reply) => {
    const source = sourceAt(request, deps)
    const { headers } = request
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const outcome = await receive({ headers, body }, source, deps.clock)
    events.answered(source.row, outcome)
    return reply.code(202).type('text/plain; charset=utf-8').send(ANSWERS[outcome])
  })
  app.setNotFoundHandler((request) => {
    throw unknown(request.url)
  })
  app.setErrorHandler((error, request, reply) => refuse(asOurs(error, maxBodyBytes), { request, reply, deps }))
  await app.ready()

  return {
    handle: (request, response) => app.routing(request, response),
    listen: (host, port) => listening(app, host, port),
    drain() {
      draining = true
      return running === 0 ? Promise.resolve() : new Promise((resolve) => (onIdle = () => resolve()))
    },
    async [Symbol.asyncDispose]() {
      draining = true
      await app.close()
    },
  }
}

async function listening(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenFailure(error as NodeJS.ErrnoException, host, port)
  }
  return httpUrl(host, (app.server.address() as AddressInfo).port)
}

function sourceAt({ url }: FastifyRequest, { sources }: ReceiverDeps): ReceivingSource {
  const source = sources.get(url.split('?', 1)[0] as string)
  if (source === undefined) throw unknown(url)
  return source
}

function checkCoding({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() === 'identity') return
  const message = `Content-Encoding ${JSON.stringify(encoding)} is not supported; send the body as it is`
  throw new EventingError({ code: 'CONTENT_ENCODING_UNSUPPORTED', encoding }, message)
}

function refuse(
  error: unknown,
  {
    request,
    reply,
    deps,
  }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly deps: ReceiverDeps },
): FastifyReply {
  const { status, code, headers, body } = problemOf(error)
  const row = deps.sources.get(request.url.split('?', 1)[0] as string)?.row
  deps.events.answered(row, failureOf(error).code)
  const { 'x-github-delivery': delivery, 'x-github-event': event } = request.headers
  if (status === 500) deps.events.failed(error)
  else if (row !== undefined) deps.events.refused(row, { delivery: shown(delivery), event: shown(event) }, error)
  // what was not read of a body is not worth reading
  if (code === 'DRAINING' || !request.raw.complete) reply.header('connection', 'close')
  return reply.code(status).headers(headers).send(Buffer.from(body))
}

/** What fastify refuses by itself, in our words. */
function asOurs(error: unknown, maxBytes: number): unknown {
  if (error instanceof EventingError) return error
  const { code, statusCode = 500 } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `the body is larger than ${maxBytes} bytes (MAX_EVENT_BYTES)`
    return new EventingError({ code: 'EVENT_TOO_LARGE', bytes: maxBytes + 1, maxBytes }, message)
  }
  if (statusCode >= 500) return error
  const problem = 'this is not a request of a webhook'
  return new EventingError({ code: 'REQUEST_MALFORMED', problem }, problem)
}

function methodNotAllowed(method: string): EventingError {
  return new EventingError(
    { code: 'METHOD_NOT_ALLOWED', method },
    `${method} is not supported here; webhooks are sent by POST`,
  )
}

function unknown(url: string): EventingError {
  const path = url.split('?', 1)[0] as string
  const message = `there is no source at ${JSON.stringify(path.slice(0, 200))}; the path is /sources/<namespace>/githubsource/<name>`
  return new EventingError({ code: 'SOURCE_UNKNOWN', path: path.slice(0, 200) }, message)
}

function shown(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value.slice(0, 128) : undefined
}

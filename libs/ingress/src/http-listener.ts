import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '@sluice/clock'
import { listenFailure } from '@sluice/errors'
import { fastify } from 'fastify'
import type { BrokenRequests } from './broken-request.ts'
import type { IngressEvents } from './events.ts'
import type { HttpLimits } from './http-limits.ts'

export interface HttpListenerDeps {
  readonly host: string
  readonly port: number
  readonly limits: HttpLimits
  readonly clock: Clock
  /** Answers every request, whatever its method and path. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void
  readonly broken: BrokenRequests
  readonly events: Pick<IngressEvents, 'acceptFailed'>
}

export interface HttpListener extends AsyncDisposable {
  readonly port: number
  /** Ends the connections on which nothing is going on. */
  closeIdle(): void
}

/** Listens. Rejects with PORT_IN_USE, or ADDRESS_UNUSABLE. */
export async function listenHttp(deps: HttpListenerDeps): Promise<HttpListener> {
  const { limits, clock, onRequest, broken } = deps
  const server = createHttpServer(limits)
  const app = fastify({
    logger: false,
    genReqId: () => '',
    return503OnClosing: false,
    serverFactory: (handler) => server.on('request', handler),
    clientErrorHandler: (error, socket) => broken.onClientError(error, socket),
    frameworkErrors: (_error, request, reply) => take(request.raw, reply),
  })
  const take = (request: IncomingMessage, reply: { hijack(): unknown; raw: ServerResponse }) => {
    reply.hijack() // answers are bytes known beforehand: written by hand they cost less, and no hook may change them
    onRequest(request, reply.raw)
  }
  // bodies stay raw Buffers, read under our own bounds: no parser runs
  app.removeAllContentTypeParsers()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  }
  app.post('*', (request, reply) => take(request.raw, reply))
  app.setNotFoundHandler((request, reply) => take(request.raw, reply))
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  server.on('checkExpectation', (request, response) => broken.onExpectation(request, response))
  server.on('connect', (_request, socket) => broken.onConnect(socket))

  await app.ready()
  const bound = await listen(server, deps)
  return {
    port: bound,
    closeIdle: () => server.closeIdleConnections(),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = clock.after(limits.lingerMs, () => server.closeAllConnections())
      await closed
      timer[Symbol.dispose]()
      await app.close()
    },
  }
}

function createHttpServer(limits: HttpLimits): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    requireHostHeader: false, // refused as a problem, like everything else
  })
  server.maxHeadersCount = 0 // maxHeaderSize bounds them; a count would drop attributes silently
  server.maxConnections = limits.maxConnections
  // a client may say that it sends no more and still wait for its answer; documented nowhere, used since Node 0.5
  Object.assign(server, { httpAllowHalfOpen: true })
  return server
}

function listen(server: Server, { host, port, events }: HttpListenerDeps): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on('error', (error) => {
      if (server.listening) events.acceptFailed(error)
      else reject(listenFailure(error, host, port))
    })
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port))
  })
}

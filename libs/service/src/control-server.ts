import { createServer } from 'node:http'
import { httpUrl } from '@sluice/config'
import type { Logger } from '@sluice/telemetry'
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { type ControlAccess, hasToken } from './control-access.ts'
import { PROBES, refusal } from './guard.ts'
import { listen } from './listen.ts'
import type { Readiness } from './readiness.ts'
import { secured } from './secured.ts'

const MAX_BODY_BYTES = 1_048_576
/** Names of brokers and triggers have at most 253, encoded or not. */
const MAX_NAME_CHARACTERS = 1_024
const MAX_CONNECTIONS = 256
const SLOW_CLIENT_LIMITS = { headersTimeout: 5000, requestTimeout: 15_000, connectionsCheckingInterval: 1000 }

/** The port of probes and, later, of everything an operator asks. */
export interface ControlServer extends AsyncDisposable {
  /** As this machine reaches it, with the actual port. */
  readonly url: string
  /** Takes more routes until `open`. */
  readonly routes: FastifyInstance
  /** From here on all routes answer; before, the probes alone, and everything else is 503. */
  open(): Promise<void>
}

export interface ControlDeps {
  readonly host: string
  readonly port: number
  readonly readiness: Readiness
  readonly log: Logger
  /** Absent: beyond loopback there are probes only. */
  readonly access?: ControlAccess | undefined
}

/** Listens at once, so that a taken port is found before anything else starts. Rejects as `listen` does. */
export async function startControlServer({ host, port, readiness, log, access }: ControlDeps): Promise<ControlServer> {
  const routes = controlRoutes({ host, readiness, log, access })
  // Probes have to answer before the app has added its routes, and say what the start waits for
  const probes = controlRoutes({ host, readiness, log })
  await probes.ready()
  const gate = { isOpen: false }
  const server = createServer({ ...SLOW_CLIENT_LIMITS }, (request, response) => {
    if (gate.isOpen) routes.routing(request, response)
    else if (PROBES.has(request.url ?? '')) probes.routing(request, response)
    else response.writeHead(503).end()
  })
  if (access !== undefined) secured(server, access)
  server.maxConnections = MAX_CONNECTIONS
  const actualPort = await listen(server, { host, port })
  return {
    url: httpUrl(host, actualPort),
    routes,
    async open() {
      await routes.ready()
      gate.isOpen = true
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await Promise.all([routes.close(), probes.close()])
    },
  }
}

/** The guard and the probes; `/readyz` names each check and its reason. */
export function controlRoutes({ host, readiness, log, access }: Omit<ControlDeps, 'port'>): FastifyInstance {
  const routes = fastify({ bodyLimit: MAX_BODY_BYTES, routerOptions: { maxParamLength: MAX_NAME_CHARACTERS } })
  routes.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const { headers, socket } = request
    const isByTls = access !== undefined && 'encrypted' in socket
    if (isByTls && !PROBES.has(path) && !hasToken(headers.authorization, access.token)) {
      const body = { error: 'the token of the control port is missing or wrong: send it as Authorization: Bearer' }
      return await reply.code(401).header('www-authenticate', 'Bearer').send(body)
    }
    const reason = refusal({ headers, path, from: socket.remoteAddress, isTrusted: isByTls }, host)
    if (reason !== undefined) await reply.code(403).send({ error: reason })
  })
  routes.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ error }, 'control request failed')
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : error.message })
  })
  routes.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is nothing at this path' }))
  routes.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'))
  routes.get('/readyz', async (_request, reply) => {
    const report = await readiness.report()
    return reply.code(report.ready ? 200 : 503).send(report)
  })
  return routes
}

import type { AddressInfo } from 'node:net'
import { decodeHttp } from '@sluice/cloudevents'
import { httpUrl } from '@sluice/config'
import { isFailure, listenFailure } from '@sluice/errors'
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { display } from './display.ts'

const MAX_BODY_BYTES = 16 * 1_048_576
const SLOW_CLIENT_LIMITS = { headersTimeout: 5000, requestTimeout: 30_000, connectionsCheckingInterval: 1000 }

export interface EventDisplayOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Takes the text of all events of a request at once. */
  readonly write: (text: string) => void
}

export interface EventDisplay extends AsyncDisposable {
  /** With the actual port. */
  readonly url: string
}

/** A subscriber that shows what it gets, on any path. Rejects with PORT_IN_USE or ADDRESS_UNUSABLE. */
export async function startEventDisplay({ host, port, write }: EventDisplayOptions): Promise<EventDisplay> {
  const app = eventDisplayRoutes(write)
  await app.listen({ host, port }).catch(async (error: unknown) => {
    await app.close()
    throw listenFailure(error, host, port)
  })
  const { port: actualPort } = app.server.address() as AddressInfo
  return {
    url: `${httpUrl(host, actualPort)}/`,
    [Symbol.asyncDispose]: () => app.close(),
  }
}

/** 200 and no body once shown; 400 for what is no CloudEvent, 405 for other methods, 413 beyond 16 MiB. */
export function eventDisplayRoutes(write: (text: string) => void): FastifyInstance {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true, http: SLOW_CLIENT_LIMITS })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.post('/*', (request, reply) => {
    const body = Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : undefined
    const { events } = decodeHttp(request.raw.rawHeaders, body)
    write(events.map(display).join(''))
    return reply.code(200).send()
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(405).header('allow', 'POST').send({ error: 'events are taken by POST' }),
  )
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = isFailure(error, 'EVENT_INVALID') ? 400 : (error.statusCode ?? 500)
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : error.message })
  })
  return app
}

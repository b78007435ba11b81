import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import type { FastifyError, FastifyInstance } from 'fastify'
import type { Registry } from '../registry.ts'
import { badRequest, refused } from '../store/refusals.ts'
import type { Authorize } from './authorize.ts'
import { MAX_BODY_BYTES } from './config.ts'
import { discovery } from './discovery.ts'
import { resourceApiTelemetry } from './events.ts'
import { Handler } from './handle.ts'
import { openApi } from './openapi.ts'

export interface ResourceApiDeps {
  readonly registry: Registry
  /** Takes the routes; guards them. */
  readonly control: FastifyInstance
  /** Absent: who passes the guard may do everything. */
  readonly authorize?: Authorize
  readonly telemetry: Telemetry
  readonly clock: Clock
}

const PATHS = ['/api', '/api/*', '/apis', '/apis/*', '/openapi/*', '/version', '/version/'] as const
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/**
 * Serves the registry as Kubernetes serves its objects: REST, discovery, OpenAPI. Disposing ends the open watches at
 * once; the registry is closed by who opened it.
 */
export function serveResourceApi({ registry, control, authorize, telemetry, clock }: ResourceApiDeps): Disposable {
  const handler = new Handler({
    ...{ registry, clock, telemetry: resourceApiTelemetry(telemetry) },
    authorize: authorize ?? (() => undefined),
    ...{ discovery: discovery(registry.table), openApi: openApi(registry.table) },
  })
  const watches = telemetry.gauge(
    'resource_api_watches',
    { description: 'Watches that are open at the resource API' },
    () => [{ value: handler.watches }],
  )
  void control.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: unknown) => body)
    scope.setErrorHandler(async (error: FastifyError, { raw }, reply) => {
      reply.hijack()
      await handler.refuse(raw, reply.raw, translated(error))
    })
    for (const url of PATHS)
      scope.route({
        ...{ method: [...METHODS], url, bodyLimit: MAX_BODY_BYTES },
        async handler({ raw, body }, reply) {
          reply.hijack()
          await handler.handle(raw, reply.raw, Buffer.isBuffer(body) ? body : undefined)
        },
      })
    done()
  })
  return {
    [Symbol.dispose]() {
      watches[Symbol.dispose]()
      handler[Symbol.dispose]()
    },
  }
}

function translated(error: FastifyError): unknown {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return refused('RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`)
  return (error.statusCode ?? 500) < 500 ? badRequest(error.message) : error
}

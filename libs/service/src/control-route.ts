import { EventingError, type FailureCode, failureOf } from '@sluice/errors'
import type { Logger } from '@sluice/telemetry'
import type { FastifyError, FastifyReply } from 'fastify'
import type { Access, Authorize } from './access.ts'
import type { ServiceContext } from './context.ts'

/** A request to the control port as it came, for answers that know nothing of the server. */
export interface ControlRequest {
  /** The parts of the path that the route names. */
  readonly path: Readonly<Record<string, string>>
  /** Each parameter as often as it was given. */
  readonly query: URLSearchParams
  /** Node's flat list of names and values. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer | undefined
}

/** A question that the control port answers with JSON. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST'
  /** `/explain/:namespace/:broker`; names a namespace. */
  readonly path: string
  /** What asking takes, in the namespace that the path names. */
  readonly access: Omit<Access, 'namespace'>
  /** Larger bodies are EVENT_TOO_LARGE. */
  readonly maxBodyBytes: number
  /** Resolves to what becomes JSON, or rejects with a failure: a problem with its code. */
  answer(request: ControlRequest): Promise<object>
}

type Surroundings = Pick<ServiceContext, 'control' | 'authorize'> & { readonly telemetry: { readonly log: Logger } }

/** What whoever asks can do something about. What is not named here is ours: 500. */
const STATUS: Partial<Record<FailureCode, number>> = {
  EVENT_INVALID: 400,
  QUERY_INVALID: 400,
  REQUEST_INVALID: 400,
  ACCESS_DENIED: 403,
  BROKER_UNKNOWN: 404,
  TRIGGER_UNKNOWN: 404,
  PARKED_UNKNOWN: 404,
  JOB_UNKNOWN: 404,
  WINDOW_CUT: 410,
  EVENT_TOO_LARGE: 413,
  CONTENT_ENCODING_UNSUPPORTED: 415,
  JOBS_FULL: 429,
  CONTRACT_QUESTIONS_FULL: 503,
  CHANNEL_UNKNOWN: 503,
  CHANNEL_UNAVAILABLE: 503,
  CHANNEL_CLOSED: 503,
  DRAINING: 503,
}
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

/**
 * Adds a route to the control port, where there is one; guarded like every other. A refusal is
 * `application/problem+json`.
 */
export function serveRoute({ control, authorize, telemetry: { log } }: Surroundings, route: ControlRoute): void {
  void control?.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: unknown) => body)
    scope.setErrorHandler((error: FastifyError, _request, reply) => refuse(reply, translated(error, route), log))
    scope.route({
      method: route.method,
      url: route.path,
      bodyLimit: route.maxBodyBytes,
      handler: async ({ params, raw, body, headers }, reply) => {
        checkCoding(headers['content-encoding'])
        const query = new URL(raw.url ?? '', 'http://control').searchParams
        const path = params as Readonly<Record<string, string>>
        await checkAccess({ namespace: path.namespace ?? '', ...route.access }, authorize)
        const { rawHeaders } = raw
        return reply.send(
          await route.answer({ path, query, rawHeaders, body: Buffer.isBuffer(body) ? body : undefined }),
        )
      },
    })
  })
}

function translated(error: FastifyError, { maxBodyBytes }: ControlRoute): unknown {
  if (error.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return error
  const detail = { code: 'EVENT_TOO_LARGE', bytes: maxBodyBytes + 1, maxBytes: maxBodyBytes } as const
  return new EventingError(detail, `the body has more than ${maxBodyBytes} bytes: leave the data out`, { cause: error })
}

async function checkAccess(access: Access, authorize: Authorize): Promise<void> {
  const reason = await authorize(access)
  if (reason === undefined) return
  const { namespace, verb, resource } = access
  const message = `to ${verb} ${resource} of namespace ${JSON.stringify(namespace)} is not allowed: ${reason}`
  throw new EventingError({ code: 'ACCESS_DENIED', ...access }, message)
}

function checkCoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return
  const message = `Content-Encoding ${JSON.stringify(encoding)} is not supported; send the body as it is`
  throw new EventingError({ code: 'CONTENT_ENCODING_UNSUPPORTED', encoding }, message)
}

/** RFC 9457. The words of an error that is not ours are logged, never shown. A window that was cut says where the log begins. */
function refuse(reply: FastifyReply, error: unknown, log: Logger): FastifyReply {
  const failure = failureOf(error)
  const { code } = failure
  const status = STATUS[code] ?? (error as FastifyError).statusCode ?? 500
  const isTold = STATUS[code] !== undefined || status < 500
  if (!isTold) log.error({ error }, 'control request failed')
  const detail = isTold ? (error as Error).message : 'internal error'
  const title = TITLES[status] ?? 'Error'
  const problem = {
    type: 'about:blank',
    title,
    status,
    detail,
    code,
    ...('oldest' in failure && { oldest: failure.oldest }),
  }
  if (status === 429 || status === 503) reply.header('retry-after', '1')
  return reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(problem)))
}

import type { Clock } from '@sluice/clock'
import { EventingError, type ResourceRefused } from '@sluice/errors'
import type { ApiObject } from '@sluice/resources/api'

const REQUEST_TIMEOUT_MS = 60_000
const MAX_LINE_CHARS = 16_777_216
/** Where an answer carries no Status. Source: apimachinery, errors.NewGenericServerResponse. */
const REASON_OF: Readonly<Record<number, ResourceRefused['reason']>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
}

/** How an API server is reached, with whatever says who asks; as the `fetch` of the web, `path` begins with a slash. */
export type Transport = (path: string, init: RequestInit) => Promise<Response>

export interface WatchLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: ApiObject
}

export interface Requests {
  /** The answer's body. Rejects with RESOURCE_REFUSED, or RESOURCE_API_UNREACHABLE after 60 s at the latest. */
  ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>>
  /** First nothing, once it is open; then what came at a time, read as it is taken. Ends when the server ends it; throws as `ask`. */
  watch(path: string, signal: AbortSignal): AsyncIterable<readonly WatchLine[]>
}

export interface RequestsOptions {
  /** What is asked for; absent: `application/json`. */
  readonly accept?: string
  /** Absent: `JSON.parse`. */
  readonly parse?: (text: string) => unknown
}

export function requestsOver(transport: Transport, clock: Clock, options: RequestsOptions = {}): Requests {
  const { accept = 'application/json', parse = JSON.parse } = options
  async function send(path: string, init: RequestInit): Promise<Response> {
    const response = await transport(path, init)
    if (!response.ok) throw refusal(response.status, await response.text())
    return response
  }

  return {
    async ask(method, path, body, signal) {
      const late = new AbortController()
      using _ = clock.after(REQUEST_TIMEOUT_MS, () => late.abort(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)))
      try {
        const response = await send(path, {
          ...{ method, signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]) },
          headers: { accept, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        return parse(await response.text()) as Record<string, unknown>
      } catch (error) {
        throw asUnreachable(error)
      }
    },
    async *watch(path, signal) {
      try {
        const { body } = await send(path, { method: 'GET', signal, headers: { accept } })
        yield []
        for await (const lines of linesOf(body ?? [])) yield lines.map((line) => parse(line) as WatchLine)
      } catch (error) {
        throw asUnreachable(error)
      }
    },
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncIterable<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_CHARS) throw new RangeError(`a line of the watch is longer than ${MAX_LINE_CHARS}`)
    const whole = lines.filter((line) => line.trim() !== '')
    if (whole.length > 0) yield whole
  }
  // what is cut off in the middle comes again after the reconnect
}

/** The failure that a Status of Kubernetes tells of. */
export function refusal(status: number, text: string): EventingError {
  const said = statusIn(text)
  if (said === undefined && status >= 500) return unreachable(`it answered ${status}`)
  const known = new Set<unknown>([
    ...Object.values(REASON_OF),
    'AlreadyExists',
    'Expired',
    'ServiceUnavailable',
    'Timeout',
  ])
  const reason = (known.has(said?.reason) ? said?.reason : REASON_OF[status]) ?? 'InternalError'
  return new EventingError<ResourceRefused>(
    {
      ...{ code: 'RESOURCE_REFUSED', reason: reason as ResourceRefused['reason'], status },
      ...(said?.details !== undefined && { details: said.details as NonNullable<ResourceRefused['details']> }),
    },
    String(said?.message ?? `the API server answered ${status}`),
  )
}

function statusIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const said = JSON.parse(text) as Record<string, unknown> | null
    return said?.kind === 'Status' ? said : undefined
  } catch {
    return undefined
  }
}

function asUnreachable(error: unknown): EventingError {
  if (error instanceof EventingError) return error
  const { message, cause } = error as Error
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message
  return unreachable(reason, error)
}

function unreachable(reason: string, cause?: unknown): EventingError {
  return new EventingError(
    { code: 'RESOURCE_API_UNREACHABLE', reason },
    `the API server can't be reached: ${reason}`,
    ...(cause === undefined ? [] : [{ cause }]),
  )
}

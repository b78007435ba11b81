import { EventingError } from '@sluice/errors'
import { findings, formatPath } from '@sluice/resources'
import { z } from 'zod'

/** Filters of the greatest depth and a thousand keys fit. */
export const MAX_BODY_BYTES = 1_048_576

/** What the control port hands over. */
export interface Request {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Buffer | undefined
}

/** A question of the control port, answered with JSON. */
export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly access: { readonly verb: 'read' | 'write'; readonly resource: 'triggers' }
  readonly maxBodyBytes: number
  answer(request: Request): Promise<object>
}

/** The body as `schema` reads it; no body is an empty map. Throws REQUEST_INVALID with every problem and its place. */
export function readBody<T>(schema: z.ZodType<T>, body: Buffer | undefined): T {
  const value = parsed(body)
  const read = schema.safeParse(value)
  if (read.success) return read.data
  throw requestInvalid(findings(read.error, value).map(({ path, problem }) => `${formatPath(path)}: ${problem}`))
}

export function requestInvalid(problems: readonly string[]): EventingError {
  return new EventingError({ code: 'REQUEST_INVALID', problems }, problems.join('; '))
}

function parsed(body: Buffer | undefined): unknown {
  if (body === undefined || body.length === 0) return {}
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw requestInvalid([`(document): is not JSON: ${(error as Error).message.slice(0, 200)}`])
  }
}

/** A time with its zone, as ms since the epoch. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time with its zone, such as "2026-11-26T08:00:00Z"' })
  .transform((text) => Date.parse(text))

/** Events per second. */
export const rate = z.int().min(1).max(10_000).optional()

import { EventingError, isFailure } from '@sluice/errors'

/** Why GitHub does not do what was asked, in the words of a condition. */
export interface HookProblem {
  readonly reason: string
  readonly message: string
  /** GitHub asks to wait that long; 0 where it does not. */
  readonly waitMs: number
}

const MAX_WORDS = 300
const LONGEST_WAIT_MS = 3_600_000

/** Of an error of Octokit's, or of the network under it. Never with what was sent. */
export function hookProblem(error: unknown, what: string, now: number): HookProblem {
  const { status, response } = error as {
    status?: number
    response?: { data?: unknown; headers?: Record<string, string> }
  }
  if (isFailure(error, 'SOURCE_SECRET_MISSING')) return { reason: 'SecretMissing', message: error.message, waitMs: 0 }
  // the desk: it is away, or its disk is full
  if (error instanceof EventingError) return { reason: 'ControllerUnavailable', message: error.message, waitMs: 0 }
  if (status === undefined || response === undefined) {
    return { reason: 'ApiUnreachable', message: `GitHub's API can't be reached for ${what}`, waitMs: 0 }
  }
  const waitMs = waitOf(status, response.headers ?? {}, now)
  const said = wordsOf(response.data)
  if (waitMs > 0) return { reason: 'RateLimited', message: `GitHub limits requests for ${what}${said}`, waitMs }
  const [reason, message] = BY_STATUS[status] ?? [
    status >= 500 ? 'ApiUnavailable' : 'Refused',
    `GitHub answers ${status} for ${what}`,
  ]
  return { reason, message: `${message}${said} (${what})`, waitMs: 0 }
}

const BY_STATUS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ['AccessTokenRefused', 'GitHub does not know the access token: it has expired, or was revoked'],
  403: ['AccessTokenNotPermitted', 'the access token may not write webhooks here'],
  404: ['NotFound', 'there is no such repository or organisation, or the access token may not see its webhooks'],
  422: ['Refused', 'GitHub does not take the webhook'],
}

/** Source: GitHub REST API, rate limits: retry-after in seconds, or x-ratelimit-reset in seconds since the epoch. */
function waitOf(status: number, headers: Record<string, string>, now: number): number {
  if (status !== 403 && status !== 429) return 0
  const { 'retry-after': after, 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': reset } = headers
  const ms = after !== undefined ? Number(after) * 1_000 : remaining === '0' ? Number(reset) * 1_000 - now : 0
  if (status === 429 && !(ms > 0)) return 60_000
  return ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : 0
}

function wordsOf(data: unknown): string {
  const { message, errors } = (data ?? {}) as { message?: unknown; errors?: unknown }
  const all = [message, ...(Array.isArray(errors) ? errors.map((each) => each?.message ?? each) : [])]
  const words = all.filter((each) => typeof each === 'string').join('; ')
  return words === '' ? '' : `: ${words.slice(0, MAX_WORDS)}`
}

import type { Answer } from '@sluice/sender'

/** What the installation's answer means for the event that was posted. */
export type Verdict =
  | { readonly kind: 'stored' }
  /** This event is never taken: it is not a valid event, too large, or its hops are spent. */
  | { readonly kind: 'refused'; readonly status: number; readonly problem: string }
  /** What keeps it out lies in the installation, its address or its load, and may pass. `status` 0: no answer. */
  | {
      readonly kind: 'unavailable'
      readonly status: number
      readonly problem: string
      readonly retryAfter?: string | undefined
    }
  | { readonly kind: 'aborted' }

/**
 * 4xx that are not about the event: who may post, an address that is not programmed yet or moved, a conflict, load.
 * All other 4xx are the event's own.
 */
const PASSING_4XX: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 408, 409, 421, 425, 429])

export function verdictOf(answer: Answer): Verdict {
  if (answer.kind === 'aborted') return { kind: 'aborted' }
  if (answer.kind !== 'response') return { kind: 'unavailable', status: 0, problem: answer.problem }
  const { status, retryAfter } = answer
  if (status >= 200 && status < 300) return { kind: 'stored' }
  const problem = problemOf(status, answer.body)
  const isRefused = status >= 400 && status < 500 && !PASSING_4XX.has(status)
  return isRefused ? { kind: 'refused', status, problem } : { kind: 'unavailable', status, problem, retryAfter }
}

/** `detail` of a problem (RFC 9457); else nothing but the status: a body may hold anything. */
function problemOf(status: number, body: Uint8Array): string {
  const answered = `answered ${status}`
  try {
    const { detail } = JSON.parse(Buffer.from(body).toString()) as { detail?: unknown }
    return typeof detail === 'string' ? `${answered}: ${detail.slice(0, 300)}` : answered
  } catch {
    return answered
  }
}

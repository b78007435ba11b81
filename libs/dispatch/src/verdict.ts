import type { Answer } from '@sluice/sender'
import { KEPT_BODY_BYTES } from '@sluice/sender'

/** What the dead letter sink and whoever reads parked events are told. */
export interface Failure {
  /** The address that failed. */
  readonly dest: string
  /** HTTP status; 500 where there was no answer. */
  readonly status: number
  /** First 1,024 bytes of the answer's body or of a text of ours. */
  readonly data: Uint8Array
}

/** `aborted`: our own doing, says nothing about the target. */
export type Verdict =
  | { readonly outcome: 'delivered'; readonly status: number; readonly replyId?: string }
  | {
      readonly outcome: 'failed'
      readonly isRetryable: boolean
      readonly isReply: boolean
      readonly failure: Failure
      readonly retryAfter?: string | undefined
      /** There was no answer at all, in time or ever. */
      readonly lost?: 'timeout' | 'unreachable'
    }
  | { readonly outcome: 'aborted' }

/** 4xx other than these four are final. Source: knative/specs data-plane.md; knative/eventing retries.go. */
const RETRYABLE_4XX: ReadonlySet<number> = new Set([404, 408, 409, 429])

/** 2xx is delivered; redirects, other 4xx and a connection switched to something else are final; the rest may pass. */
export function verdictOf(answer: Answer, dest: string): Verdict {
  switch (answer.kind) {
    case 'aborted':
      return { outcome: 'aborted' }
    case 'response': {
      const { status, body, retryAfter } = answer
      if (status >= 200 && status < 300) return { outcome: 'delivered', status }
      const isRetryable = status >= 500 || RETRYABLE_4XX.has(status)
      return { outcome: 'failed', isRetryable, isReply: false, failure: { dest, status, data: body }, retryAfter }
    }
    case 'switched':
      return failed({ dest, status: 500, text: textOf(answer), isRetryable: false, isReply: false })
    default:
      return failed({ dest, status: 500, text: textOf(answer), isRetryable: true, isReply: false, lost: answer.kind })
  }
}

function textOf({ problem }: { readonly problem: string }): string {
  return `dispatch error: ${problem}`
}

export function failed(facts: {
  readonly dest: string
  readonly status: number
  readonly text: string
  readonly isRetryable: boolean
  readonly isReply: boolean
  readonly lost?: 'timeout' | 'unreachable'
}): Verdict {
  const { dest, status, text, ...rest } = facts
  const data = Buffer.from(text).subarray(0, KEPT_BODY_BYTES)
  return { outcome: 'failed', ...rest, failure: { dest, status, data } }
}

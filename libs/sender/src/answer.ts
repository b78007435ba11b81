/** A response, its body read to the end or to the bound. */
export interface Response {
  readonly kind: 'response'
  readonly status: number
  /** Flat pairs as they came. Empty unless it looks like a CloudEvent that is wanted. */
  readonly headers: readonly string[]
  /** A wanted CloudEvent's data; of an error the first 1,024 bytes; else empty. */
  readonly body: Buffer
  /** Bytes the body had, kept or not. */
  readonly bodyBytes: number
  /** Carries the mark of a CloudEvent, in binary, structured or batched mode. */
  readonly isCloudEvent: boolean
  /** `Retry-After` of a 429 or 503, as it came. */
  readonly retryAfter?: string | undefined
  /** The body went on beyond the bound; the connection was closed. */
  readonly isCut: boolean
}

/** What came of one request. `aborted` is our own doing and says nothing about the target. */
export type Answer =
  | Response
  | { readonly kind: 'timeout' | 'unreachable' | 'switched'; readonly problem: string }
  | { readonly kind: 'aborted' }

/** Of an error's body this much is kept with a parked event. */
export const KEPT_BODY_BYTES = 1_024

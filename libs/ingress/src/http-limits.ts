/** Bounds of the HTTP server. Times in milliseconds. */
export interface HttpLimits {
  /** From the first byte of a request, or from connecting, to the end of its headers. */
  readonly headersTimeoutMs: number
  /** The same to the end of its body. Source: knative/eventing broker ingress, ReadTimeout. */
  readonly requestTimeoutMs: number
  /** Between two requests of a connection. */
  readonly keepAliveTimeoutMs: number
  /** How often the two above are looked at: they end late by this much. */
  readonly checkIntervalMs: number
  /** How long a client that is refused while it sends may take to read the answer. */
  readonly lingerMs: number
  /** All headers of a request. CloudEvents: 64 KiB on the wire must pass, and in binary mode may all be attributes. */
  readonly maxHeaderBytes: number
  /** Beyond, new connections are closed at once. */
  readonly maxConnections: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  checkIntervalMs: 1_000,
  lingerMs: 1_000,
  maxHeaderBytes: 80 * 1024,
  maxConnections: 16_384,
}

/** A broker refused what was asked. */
export class RequestError extends Error {
  /** Kafka's names of what is wrong, each once. */
  readonly types: ReadonlySet<string>

  constructor(message: string, types: Iterable<string>, cause: unknown) {
    super(message, { cause })
    this.name = 'RequestError'
    this.types = new Set(types)
  }
}

/** A batch that this client can't unpack: another one at another place may be readable. */
export class UnreadableError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'UnreadableError'
  }
}

/** It was sent, as far as is known, and nobody said anything. */
export class UnansweredError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'UnansweredError'
  }
}

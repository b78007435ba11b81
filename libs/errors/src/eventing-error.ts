import type { Failure, FailureCode } from './failure.ts'

/** The one error class. `detail` says what happened in fields; `message` is for people and logs only. */
export class EventingError<F extends Failure = Failure> extends Error {
  override readonly name = 'EventingError'
  readonly detail: F

  constructor(detail: F, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.detail = detail
  }
}

/** The failure an error carries; anything that is not ours is `INTERNAL`. */
export function failureOf(error: unknown): Failure {
  return error instanceof EventingError ? (error.detail as Failure) : { code: 'INTERNAL' }
}

/** True when `error` is ours and carries `code`. */
export function isFailure<C extends FailureCode>(
  error: unknown,
  code: C,
): error is EventingError<Extract<Failure, { code: C }>> {
  return error instanceof EventingError && error.detail.code === code
}

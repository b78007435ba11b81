export { EventingError, failureOf, isFailure } from './eventing-error.ts'
export type { Failure, FailureCode } from './failure.ts'
export { FAILURE_CODES } from './failure.ts'
export { listenFailure } from './listen-failure.ts'

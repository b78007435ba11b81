import { isFailure } from '@sluice/errors'
import type { Logger } from '@sluice/telemetry'
import { refused } from '../store/refusals.ts'

/** Source: Kubernetes, metav1 Status. */
export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: object
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: string
  readonly details?: object & { readonly retryAfterSeconds?: number }
  readonly code: number
}

export const STATUS_HEADER = { kind: 'Status', apiVersion: 'v1', metadata: {} } as const

/** The refusal as clients of Kubernetes read it. What is no refusal is ours: logged, and told without its words. */
export function statusOf(error: unknown, log: Logger): Status {
  if (isFailure(error, 'RESOURCE_REFUSED')) {
    const { reason, status: code, details = {} } = error.detail
    return { ...STATUS_HEADER, status: 'Failure', message: error.message, reason, details, code }
  }
  const isStack = error instanceof RangeError && /call stack/i.test(error.message)
  if (!isStack) log.error({ error }, 'request to the resource API failed')
  return isStack
    ? statusOf(refused('BadRequest', 'the object is nested too deeply'), log)
    : statusOf(refused('InternalError', 'Internal error occurred: the log of the service says more'), log)
}

export function noSuchPath(): Error {
  return refused('NotFound', 'the server could not find the requested resource')
}

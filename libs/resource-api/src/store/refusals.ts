import { EventingError, type ResourceRefused } from '@sluice/errors'
import type { ApiKind, ServedVersion } from '@sluice/resources/api'

/** Refusals in Kubernetes' words. Source: k8s.io/apimachinery pkg/api/errors. */
type Reason = ResourceRefused['reason']
type Details = NonNullable<ResourceRefused['details']>

export const STATUS_OF: Readonly<Record<Reason, number>> = {
  ...{ BadRequest: 400, Unauthorized: 401, Forbidden: 403, NotFound: 404, MethodNotAllowed: 405, NotAcceptable: 406 },
  ...{ AlreadyExists: 409, Conflict: 409, Gone: 410, Expired: 410, RequestEntityTooLarge: 413 },
  ...{ UnsupportedMediaType: 415, Invalid: 422, TooManyRequests: 429 },
  ...{ InternalError: 500, ServiceUnavailable: 503, Timeout: 504 },
}

export function refused(reason: Reason, message: string, details?: Details): EventingError<ResourceRefused> {
  return new EventingError(
    { code: 'RESOURCE_REFUSED', reason, status: STATUS_OF[reason], ...(details && { details }) },
    message,
  )
}

/** `brokers.eventing.knative.dev`. */
export function resourceName({ plural, group }: Pick<ApiKind, 'plural' | 'group'>): string {
  return group === '' ? plural : `${plural}.${group}`
}

/** `Broker.eventing.knative.dev`. */
export function qualifiedKind({ kind, group }: Pick<ApiKind, 'kind' | 'group'>): string {
  return group === '' ? kind : `${kind}.${group}`
}

export function detailsOf({ kind }: Pick<ServedVersion, 'kind'>, name?: string): Details {
  return { ...(kind.group && { group: kind.group }), kind: kind.plural, ...(name !== undefined && { name }) }
}

export function badRequest(message: string): EventingError {
  return refused('BadRequest', message)
}

export function notFound(served: Pick<ServedVersion, 'kind'>, name: string): EventingError {
  return refused('NotFound', `${resourceName(served.kind)} "${name}" not found`, detailsOf(served, name))
}

export function alreadyExists(served: ServedVersion, name: string): EventingError {
  return refused('AlreadyExists', `${resourceName(served.kind)} "${name}" already exists`, detailsOf(served, name))
}

export function conflict(served: ServedVersion, name: string, why: string): EventingError {
  const message = `Operation cannot be fulfilled on ${resourceName(served.kind)} "${name}": ${why}`
  return refused('Conflict', message, detailsOf(served, name))
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export function forbidden(served: ServedVersion, name: string, why: string, causes?: Details['causes']): EventingError {
  const message = `${resourceName(served.kind)} "${name}" is forbidden: ${why}`
  return refused('Forbidden', message, { ...detailsOf(served, name), ...(causes && { causes }) })
}

export function methodNotAllowed(served: ServedVersion, verb: string): EventingError {
  const message = `${verb} is not supported on resources of kind "${resourceName(served.kind)}"`
  return refused('MethodNotAllowed', message, detailsOf(served))
}

/** The history begins after what was asked for. */
export function expired(message: string): EventingError {
  return refused('Expired', message)
}

/** Clients of Kubernetes list again from the newest when they see the cause. */
export function tooLargeResourceVersion(asked: number, current: number): EventingError {
  return refused('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

export function serviceUnavailable(message: string): EventingError {
  return refused('ServiceUnavailable', message, { retryAfterSeconds: 1 })
}

/**
 * Every way Sluice can fail, by code. Act on `code`, never on a text. `docs/errors.md` describes each one; a test
 * holds the two lists equal in both directions.
 */
export type Failure =
  | { code: 'CONFIG_INVALID'; problems: readonly string[] }
  | { code: 'MANIFESTS_INVALID'; problems: readonly string[] }
  | { code: 'DATA_DIR_IN_USE'; dataDir: string }
  | { code: 'DATA_DIR_UNUSABLE'; dataDir: string; reason: string }
  | { code: 'PORT_IN_USE'; host: string; port: number }
  | { code: 'ADDRESS_UNUSABLE'; host: string; port: number; reason: string }
  | { code: 'DRIVER_SERVES_ONE_PROCESS'; driver: string }
  | { code: 'DRIVER_MISSING'; channel: string; driver: string }
  | { code: 'CONTRACT_UNREACHABLE'; url: string; reason: string }
  | { code: 'CONTRACT_REQUEST_INVALID'; problem: string }
  | { code: 'CONTRACT_PROTOCOL_UNSUPPORTED'; protocol: string; supported: readonly number[] }
  | { code: 'CONTRACT_UNAUTHORIZED' }
  | { code: 'CONTRACT_FORBIDDEN'; reason: string }
  | { code: 'CONTRACT_BEHIND'; epoch: number; revision: number }
  | { code: 'CONTRACT_LEASE_UNKNOWN'; instance: string }
  | { code: 'CONTRACT_REPLICAS_FULL'; maxReplicas: number }
  | { code: 'CONTRACT_QUESTIONS_FULL'; maxQuestions: number }
  | { code: 'SOURCE_NOT_HELD'; source: string }
  | { code: 'SOURCE_SECRET_MISSING'; source: string; secret: string; reason: string }
  | { code: 'SOURCE_UNKNOWN'; path: string }
  | { code: 'SOURCE_UNAVAILABLE'; source: string; retryAfterMs: number }
  | { code: 'SIGNATURE_INVALID'; source: string }
  | { code: 'DELIVERY_REPLAYED'; delivery: string; first: string }
  | { code: 'CONTENT_TYPE_UNSUPPORTED'; contentType: string }
  | { code: 'SOURCE_STATE_TOO_LARGE'; source: string; bytes: number; maxBytes: number }
  | { code: 'SOURCE_STATE_UNAVAILABLE'; reason: string }
  | { code: 'SOURCE_ORIGIN_UNAVAILABLE'; origin: string; reason: string }
  | { code: 'EVENT_INVALID'; problem: string }
  | { code: 'EVENT_TOO_LARGE'; bytes: number; maxBytes: number }
  | { code: 'EVENT_TTL_SPENT' }
  | { code: 'PATH_INVALID'; path: string }
  | { code: 'BROKER_UNKNOWN'; path: string }
  | { code: 'TRIGGER_UNKNOWN'; trigger: string }
  | { code: 'QUERY_INVALID'; parameter: string; problem: string }
  | { code: 'REQUEST_INVALID'; problems: readonly string[] }
  | { code: 'ACCESS_DENIED'; namespace: string; verb: 'read' | 'write'; resource: string }
  | ResourceRefused
  | { code: 'RESOURCE_API_UNREACHABLE'; reason: string }
  | { code: 'PARKED_UNKNOWN'; key: string }
  | { code: 'JOB_UNKNOWN'; id: string }
  | { code: 'JOBS_FULL'; maxJobs: number }
  | { code: 'WINDOW_CUT'; oldest: { readonly position: string; readonly storedAt: string } | null }
  | { code: 'METHOD_NOT_ALLOWED'; method: string }
  | { code: 'REQUEST_TIMEOUT' }
  | { code: 'REQUEST_MALFORMED'; problem: string }
  | { code: 'HEADERS_TOO_LARGE'; maxBytes: number }
  | { code: 'CONTENT_ENCODING_UNSUPPORTED'; encoding: string }
  | { code: 'EXPECTATION_UNSUPPORTED'; expectation: string }
  | { code: 'BACKLOG_FULL'; broker: string }
  | { code: 'MEMORY_FULL'; bytes: number; maxBytes: number }
  | { code: 'DRAINING' }
  | { code: 'CHANNEL_UNKNOWN'; channel: string }
  | { code: 'CHANNEL_CONFLICT'; channel: string; problem: string }
  | { code: 'CHANNEL_CLOSED'; driver: string }
  | { code: 'CHANNEL_UNAVAILABLE'; driver: string; reason: string }
  | { code: 'CHANNEL_EVENT_TOO_LARGE'; driver: string; bytes: number; maxBytes: number }
  | { code: 'DELIVERY_ENDED'; position: string }
  | { code: 'SERVER_UNSUPPORTED'; driver: string; reason: string }
  | { code: 'SINK_REFUSED'; sink: string; status: number }
  | { code: 'SINK_TIMEOUT'; sink: string; timeoutMs: number }
  | { code: 'SINK_UNREACHABLE'; sink: string; reason: string }
  | { code: 'REPLY_INVALID'; sink: string; problem: string }
  | { code: 'INTERNAL' }

/** A refusal of the resource API, in the words of Kubernetes' Status. Source: metav1 Status, StatusReason. */
export interface ResourceRefused {
  readonly code: 'RESOURCE_REFUSED'
  readonly reason:
    | 'BadRequest'
    | 'Unauthorized'
    | 'Forbidden'
    | 'NotFound'
    | 'MethodNotAllowed'
    | 'NotAcceptable'
    | 'AlreadyExists'
    | 'Conflict'
    | 'Gone'
    | 'Expired'
    | 'RequestEntityTooLarge'
    | 'UnsupportedMediaType'
    | 'Invalid'
    | 'TooManyRequests'
    | 'InternalError'
    | 'ServiceUnavailable'
    | 'Timeout'
  /** HTTP status. */
  readonly status: number
  readonly details?: {
    readonly group?: string
    readonly kind?: string
    readonly name?: string
    readonly uid?: string
    readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[]
    readonly retryAfterSeconds?: number
  }
}

export type FailureCode = Failure['code']

/** The codes at run time; the type check below fails when one is missing. */
export const FAILURE_CODES = [
  'CONFIG_INVALID',
  'MANIFESTS_INVALID',
  'DATA_DIR_IN_USE',
  'DATA_DIR_UNUSABLE',
  'PORT_IN_USE',
  'ADDRESS_UNUSABLE',
  'DRIVER_SERVES_ONE_PROCESS',
  'DRIVER_MISSING',
  'CONTRACT_UNREACHABLE',
  'CONTRACT_REQUEST_INVALID',
  'CONTRACT_PROTOCOL_UNSUPPORTED',
  'CONTRACT_UNAUTHORIZED',
  'CONTRACT_FORBIDDEN',
  'CONTRACT_BEHIND',
  'CONTRACT_LEASE_UNKNOWN',
  'CONTRACT_REPLICAS_FULL',
  'CONTRACT_QUESTIONS_FULL',
  'SOURCE_NOT_HELD',
  'SOURCE_SECRET_MISSING',
  'SOURCE_UNKNOWN',
  'SOURCE_UNAVAILABLE',
  'SIGNATURE_INVALID',
  'DELIVERY_REPLAYED',
  'CONTENT_TYPE_UNSUPPORTED',
  'SOURCE_STATE_TOO_LARGE',
  'SOURCE_STATE_UNAVAILABLE',
  'SOURCE_ORIGIN_UNAVAILABLE',
  'EVENT_INVALID',
  'EVENT_TOO_LARGE',
  'EVENT_TTL_SPENT',
  'PATH_INVALID',
  'BROKER_UNKNOWN',
  'TRIGGER_UNKNOWN',
  'QUERY_INVALID',
  'REQUEST_INVALID',
  'ACCESS_DENIED',
  'RESOURCE_REFUSED',
  'RESOURCE_API_UNREACHABLE',
  'PARKED_UNKNOWN',
  'JOB_UNKNOWN',
  'JOBS_FULL',
  'WINDOW_CUT',
  'METHOD_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'REQUEST_MALFORMED',
  'HEADERS_TOO_LARGE',
  'CONTENT_ENCODING_UNSUPPORTED',
  'EXPECTATION_UNSUPPORTED',
  'BACKLOG_FULL',
  'MEMORY_FULL',
  'DRAINING',
  'CHANNEL_UNKNOWN',
  'CHANNEL_CONFLICT',
  'CHANNEL_CLOSED',
  'CHANNEL_UNAVAILABLE',
  'CHANNEL_EVENT_TOO_LARGE',
  'DELIVERY_ENDED',
  'SERVER_UNSUPPORTED',
  'SINK_REFUSED',
  'SINK_TIMEOUT',
  'SINK_UNREACHABLE',
  'REPLY_INVALID',
  'INTERNAL',
] as const satisfies readonly FailureCode[]

type Missing = Exclude<FailureCode, (typeof FAILURE_CODES)[number]>
true satisfies [Missing] extends [never] ? true : Missing

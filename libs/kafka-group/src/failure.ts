import { EventingError } from '@sluice/errors'

/** What the client rejects with; what is wrapped is the cause. */
interface ClientError {
  readonly name?: string
  readonly type?: string
  readonly message?: string
  readonly cause?: ClientError
}

const DEPTH = 5
const AUTHENTICATION: ReadonlySet<string> = new Set([
  'KafkaJSSASLAuthenticationError',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
])
const REBALANCING: ReadonlySet<string> = new Set([
  ...['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'],
  ...['GROUP_ID_NOT_FOUND', 'NOT_COORDINATOR_FOR_GROUP'],
])

/** What a rejection of the client means; one of ours stays as it is. */
export function failureOf(error: unknown, groupId: string): EventingError {
  if (error instanceof EventingError) return error
  const isRefused = namesOf(error).some((name) => AUTHENTICATION.has(name))
  const reason = isRefused ? 'AuthenticationFailed' : 'KafkaUnavailable'
  const message = (error as ClientError).message ?? String(error)
  return originFailed(groupId, reason, isRefused ? `Kafka refuses the credentials: ${message}` : message, error)
}

export function originFailed(group: string, reason: string, problem: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'SOURCE_ORIGIN_UNAVAILABLE', origin: group, reason }, problem, { cause })
}

/** Whether the group goes on without this member as it is. */
export function isRebalance(error: unknown): boolean {
  return namesOf(error).some((name) => REBALANCING.has(name))
}

function namesOf(error: unknown): string[] {
  const names: string[] = []
  let each = error as ClientError | undefined | null
  for (let depth = 0; each !== undefined && each !== null && depth < DEPTH; depth++) {
    if (each.name !== undefined) names.push(each.name)
    if (each.type !== undefined) names.push(each.type)
    each = each.cause
  }
  return names
}

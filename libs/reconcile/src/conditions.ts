/** One thing that is so, or not, about an object. Types are Knative's; reasons name the cause. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
}

/** What became of a Broker or Trigger. `isProgrammed`: the data plane has rows for it, if need be the last good ones. */
export interface ObjectStatus {
  readonly kind: 'Broker' | 'Trigger'
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Of a Trigger: the Broker of its namespace that it names. */
  readonly broker?: string
  readonly isProgrammed: boolean
  readonly conditions: readonly Condition[]
}

export function isTrue(type: string, reason?: string): Condition {
  return { type, status: 'True', ...(reason !== undefined && { reason }) }
}

export function isFalse(type: string, reason: string, message: string): Condition {
  return { type, status: 'False', reason, message }
}

/** The conditions that keep an object from being Ready. */
export function failing(status: ObjectStatus): readonly Condition[] {
  return status.conditions.filter((condition) => condition.status !== 'True')
}

/**
 * The status with `Ready` first: the first False wins over Unknown; all True, it needs the data plane's
 * acknowledgement. Source: knative.dev/pkg apis/condition_set.go.
 */
export function withReady(status: ObjectStatus, isAcknowledged: boolean): ObjectStatus {
  const reasons = failing(status)
  const first = reasons.find((condition) => condition.status === 'False') ?? reasons[0]
  const ready: Condition =
    first !== undefined
      ? { ...first, type: 'Ready' }
      : isAcknowledged
        ? isTrue('Ready')
        : { type: 'Ready', status: 'Unknown', reason: 'NotAcknowledged', message: 'not every role has it yet' }
  return { ...status, conditions: [ready, ...status.conditions] }
}

/** The Triggers of a Broker for which the data plane has no rows, each with what keeps it from having some. */
export function triggersNotInForce(
  statuses: readonly ObjectStatus[],
  namespace: string,
  broker: string,
): { name: string; reason: string }[] {
  return statuses
    .filter((status) => !status.isProgrammed && status.namespace === namespace && status.broker === broker)
    .map((status) => ({ name: status.name, reason: failing(status).map(told).join('; ') }))
}

function told({ type, status, reason, message }: Condition): string {
  return `${type} is ${status}${reason === undefined ? '' : `, ${reason}`}${message === undefined ? '' : `: ${message}`}`
}

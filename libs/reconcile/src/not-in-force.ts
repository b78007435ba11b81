import type { ApiObject } from '@sluice/resources/api'

/** A Trigger that the data plane does not know, and why. */
export interface NotInForce {
  readonly name: string
  readonly reason: string
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/** Of a namespace's Triggers those of a Broker that have no rows. */
export function triggersNotInForce(
  triggers: readonly ApiObject[],
  hasRows: (uid: string) => boolean,
  broker: string,
): NotInForce[] {
  return triggers
    .filter((object) => brokerOf(object) === broker && !hasRows(String(object.metadata.uid)))
    .map((object) => ({ name: String(object.metadata.name), reason: whyNot(object) }))
}

function whyNot(object: ApiObject): string {
  const failing = conditionsOf(object).filter(({ type, status }) => type !== 'Ready' && status !== 'True')
  return failing.map(said).join('; ') || 'nobody has looked at it yet'
}

function brokerOf({ spec }: ApiObject): unknown {
  const { broker, brokerRef } = spec as { readonly broker?: unknown; readonly brokerRef?: { readonly name?: unknown } }
  return broker ?? brokerRef?.name
}

function conditionsOf({ status }: ApiObject): readonly Condition[] {
  return ((status ?? {}) as { readonly conditions?: readonly Condition[] }).conditions ?? []
}

function said({ type, status, reason, message }: Condition): string {
  return `${type} is ${status}${reason === undefined ? '' : `, ${reason}`}${message === undefined ? '' : `: ${message}`}`
}

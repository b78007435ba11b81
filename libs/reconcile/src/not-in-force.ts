import type { Registry } from '@sluice/resource-api'
import type { ApiObject, ServedVersion } from '@sluice/resources/api'

/** A Trigger that gets no events, and what keeps it from some. */
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

export function triggersNotInForce(registry: Registry, namespace: string, broker: string): NotInForce[] {
  const trigger = registry.table.ofKind('eventing.knative.dev/v1', 'Trigger') as ServedVersion
  return registry
    .list(trigger, { namespace })
    .items.filter((object) => brokerOf(object) === broker && !isReady(object))
    .map((object) => ({ name: String(object.metadata.name), reason: whyNot(object) }))
}

function isReady(object: ApiObject): boolean {
  return conditionsOf(object).some(({ type, status }) => type === 'Ready' && status === 'True')
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

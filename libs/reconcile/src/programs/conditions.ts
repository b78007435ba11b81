import type { Clock } from '@sluice/clock'
import type { ApiObject } from '@sluice/resources/api'
import type { ObjectEvent, Reconciled } from '../runtime/program.ts'
import { type Fields, statusFieldsOf } from './objects.ts'

/** One thing that is so, or not, about an object. Types are Knative's; reasons name the cause. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

export function isTrue(type: string, reason?: string): Condition {
  return { type, status: 'True', ...(reason !== undefined && { reason }) }
}

export function isFalse(type: string, reason: string, message: string): Condition {
  return { type, status: 'False', reason, message }
}

export function isUnknown(type: string, reason: string, message: string): Condition {
  return { type, status: 'Unknown', reason, message }
}

export function conditionOf(object: ApiObject | undefined, type: string): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type)
}

/** How long an object may stay without a status while all that it lacks is on its way. */
const SETTLING_MS = 2000

/** The object said Ready of its present generation. */
export function isReady(object: ApiObject | undefined): boolean {
  const { observedGeneration } = statusFieldsOf(object)
  return observedGeneration === object?.metadata.generation && conditionOf(object, 'Ready')?.status === 'True'
}

/**
 * The sum of the others: the first False wins over Unknown, its reason and message are copied. Source: knative.dev/pkg
 * apis/condition_set.go.
 */
export function readyOf(conditions: readonly Condition[]): Condition {
  const worst =
    conditions.find(({ status }) => status === 'False') ?? conditions.find(({ status }) => status !== 'True')
  return worst === undefined ? isTrue('Ready') : { ...worst, type: 'Ready' }
}

/**
 * What reconciling an object came to: its status with Ready summed up, sorted by type, times kept where nothing
 * changed; and an Event where Ready came or went. `also`: conditions that do not count.
 */
export function outcome(
  object: ApiObject,
  input: {
    readonly clock: Pick<Clock, 'now'>
    readonly conditions: readonly Condition[]
    readonly also?: readonly Condition[]
    readonly status?: Fields
    readonly events?: readonly ObjectEvent[]
    readonly againInMs?: number | undefined
  },
): Reconciled {
  const { clock, conditions, also = [], status = {}, events = [], againInMs } = input
  const ready = readyOf(conditions)
  // what is new is ready in a moment as a rule; its first status then says so
  if (ready.status === 'Unknown' && isNew(object, clock.now())) return { againInMs: SETTLING_MS }
  const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`
  const all = [ready, ...conditions, ...also].map((condition) => stamped(condition, object, time))
  const told = [...events, ...readyEvents(object, ready)]
  return {
    status: {
      observedGeneration: object.metadata.generation,
      conditions: all.sort((a, b) => (a.type < b.type ? -1 : 1)),
      ...status,
    },
    ...(told.length > 0 && { events: told }),
    ...(againInMs !== undefined && { againInMs }),
  }
}

function isNew(object: ApiObject, now: number): boolean {
  if (object.status !== undefined) return false
  const ageMs = now - Date.parse(String(object.metadata.creationTimestamp))
  return ageMs >= 0 && ageMs < SETTLING_MS
}

function stamped(condition: Condition, object: ApiObject, time: string): Condition {
  const before = conditionOf(object, condition.type)
  const isSame =
    before !== undefined &&
    (['status', 'reason', 'message'] as const).every((field) => before[field] === condition[field])
  return { ...condition, lastTransitionTime: isSame ? (before.lastTransitionTime ?? time) : time }
}

function readyEvents({ kind, ...object }: ApiObject, ready: Condition): ObjectEvent[] {
  const before = conditionOf({ kind, ...object } as ApiObject, 'Ready')
  if (ready.status === before?.status && ready.reason === before.reason) return []
  const { reason = 'NotReady', message = '' } = ready
  if (ready.status === 'False') return [{ type: 'Warning', reason, message }]
  return ready.status === 'True' && before !== undefined
    ? [{ type: 'Normal', reason: 'Ready', message: `${kind} is ready` }]
    : []
}

function conditionsOf(object: ApiObject | undefined): readonly Condition[] {
  return (statusFieldsOf(object).conditions ?? []) as readonly Condition[]
}

import { type Clock, sleep } from '@sluice/clock'
import type { HeldSource, SourceCondition } from '@sluice/contract'
import { type FailureCode, failureOf } from '@sluice/errors'
import type { SourceEvents } from './events.ts'
import type { OutletWatcher } from './outlet.ts'

/** Whether a replica runs the source. True from its start on. Source: knative/eventing, condition of every source. */
export const DEPLOYED = 'Deployed'
/** Whether its events are stored; False says why not. True keeps the note of one that was refused. Absent until there was one. */
export const EVENTS_STORED = 'EventsStored'

/** What the object's status says; told to the contract's server in the background, the newest only, until it is heard. */
export interface SourceStatus {
  /** Replaces the condition of that type. */
  condition(type: string, condition: SourceCondition): void
  /** Replaces the fact of that name; undefined takes it back. */
  fact(name: string, value: string | undefined): void
}

interface StatusDeps {
  readonly held: Pick<HeldSource, 'report'>
  readonly clock: Clock
  readonly events: SourceEvents
  readonly signal: AbortSignal
}

/** A hiccup is not worth a write; an outage is. */
const UNAVAILABLE_AFTER_MS = 3_000
const REFUSED_IN_A_ROW = 3
/** Another replica speaks for the source now, or what was said can't be taken: saying it again changes nothing. */
const FINAL: ReadonlySet<FailureCode> = new Set(['SOURCE_NOT_HELD', 'CONTRACT_REQUEST_INVALID'])
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000

export function createStatus({ held, clock, events, signal }: StatusDeps): SourceStatus & OutletWatcher {
  const conditions = new Map<string, SourceCondition>()
  const facts = new Map<string, string>()
  let version = 0
  let isReporting = false
  let unavailableSince: number | undefined
  let refusedInARow = 0
  let refusal: Pick<SourceCondition, 'reason' | 'message'> | undefined

  const report = async (): Promise<void> => {
    if (isReporting) return
    isReporting = true
    let reported = -1
    for (let failures = 0; reported !== version && !signal.aborted; ) {
      // What is set in one go is told in one
      await Promise.resolve()
      const telling = version
      try {
        await held.report({ conditions: Object.fromEntries(conditions), facts: Object.fromEntries(facts) })
        reported = telling
        failures = 0
      } catch (error) {
        if (FINAL.has(failureOf(error).code)) {
          events.reportRefused(error)
          reported = telling
          continue
        }
        const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS)
        events.reportFailed(delayMs, error)
        await sleep(clock, delayMs, signal)
      }
    }
    isReporting = false
  }
  const changed = () => {
    version++
    void report()
  }
  const condition = (type: string, now: SourceCondition) => {
    const before = conditions.get(type)
    if (before?.status === now.status && before.reason === now.reason && before.message === now.message) return
    conditions.set(type, now)
    changed()
  }

  return {
    condition,
    fact(name, value) {
      if (facts.get(name) === value) return
      if (value === undefined) facts.delete(name)
      else facts.set(name, value)
      changed()
    },
    stored() {
      unavailableSince = undefined
      refusedInARow = 0
      condition(EVENTS_STORED, { status: 'True', ...refusal })
    },
    refused(problem) {
      unavailableSince = undefined
      refusedInARow++
      refusal = { reason: 'EventRefused', message: `an event was refused for good: the ingress ${problem}` }
      // A single one among others is a note: two writes for each would be too many
      const isSingle = conditions.get(EVENTS_STORED)?.status === 'True' && refusedInARow < REFUSED_IN_A_ROW
      condition(EVENTS_STORED, { status: isSingle ? 'True' : 'False', ...refusal })
    },
    unavailable(problem) {
      unavailableSince ??= clock.monotonic()
      if (clock.monotonic() - unavailableSince < UNAVAILABLE_AFTER_MS) return
      condition(EVENTS_STORED, { status: 'False', reason: 'IngressUnavailable', message: `the ingress ${problem}` })
    },
  }
}

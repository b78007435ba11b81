import type { Clock } from '@sluice/clock'
import { type CloudEvent, decodeHttp, withAttributes } from '@sluice/cloudevents'
import { type Contract, logOf } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { explain, type Verdict } from './explain.ts'

export interface Question {
  readonly namespace: string
  readonly broker: string
  /** One event in binary or structured mode, as `decodeHttp` takes it. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer | undefined
  /** Of this trigger alone. */
  readonly trigger?: string | undefined
  /** Triggers whose names come after this one. */
  readonly after?: string | undefined
  /** Triggers in one answer; fewer where they are large. */
  readonly limit: number
}

export interface Answer {
  readonly namespace: string
  readonly broker: string
  /** Of the contract whose routes were asked. */
  readonly revision: number
  /** By name. */
  readonly triggers: readonly (Verdict & { readonly name: string })[]
  /** There are more: ask again with this as `after`. */
  readonly next?: string
}

export interface ExplainDeps {
  readonly contract: () => Pick<Contract, 'revision' | 'logs' | 'routes'> & Partial<Pick<Contract, 'ingresses'>>
  readonly clock: Clock
  /** Triggers of a broker that have no route, and what keeps them from having one. */
  readonly notInForce: (namespace: string, broker: string) => readonly { name: string; reason: string }[]
}

/** Characters of JSON in one answer; one trigger is answered in any case. */
const MAX_ANSWER_CHARACTERS = 4_194_304
/** How long it goes on before others get their turn. */
const TURN_MS = 5
const ARRIVAL_ATTRIBUTE = 'knativearrivaltime'

/**
 * Which triggers of a broker an event would match, by the routes in force, and why the others not. The event is judged
 * as if it were accepted now; nothing is stored, sent or counted. Rejects with EVENT_INVALID, BROKER_UNKNOWN or
 * TRIGGER_UNKNOWN.
 */
export async function explainEvent(question: Question, deps: ExplainDeps): Promise<Answer> {
  const { namespace, broker, limit } = question
  const { contract, clock } = deps
  const event = readEvent(question, clock)
  const rows = contract()
  const { revision, routes } = rows
  const log = logOf(rows, namespace, broker)
  const asked = [
    ...routes.filter((row) => row.log === log.uid),
    ...deps.notInForce(namespace, broker).map(({ name, reason }) => ({ name, reason: `not in force: ${reason}` })),
  ].sort(byName)

  const triggers: Answer['triggers'][number][] = []
  let characters = 0
  let turnEnds = clock.monotonic() + TURN_MS
  for (const each of chosen(asked, question)) {
    const last = triggers.at(-1)
    if (last !== undefined && (triggers.length >= limit || characters >= MAX_ANSWER_CHARACTERS))
      return { namespace, broker, revision, triggers, next: last.name }
    const verdict = 'reason' in each ? { ...each, matches: false } : { name: each.name, ...explain(event, each.filter) }
    characters += JSON.stringify(verdict).length
    triggers.push(verdict)
    if (clock.monotonic() < turnEnds) continue
    await new Promise((resolve) => setImmediate(resolve))
    turnEnds = clock.monotonic() + TURN_MS
  }
  return { namespace, broker, revision, triggers }
}

function chosen<T extends { readonly name: string }>(asked: readonly T[], question: Question): readonly T[] {
  const { namespace, trigger, after = '' } = question
  const found = asked.filter(({ name }) => (trigger === undefined || name === trigger) && name > after)
  if (trigger !== undefined && !asked.some(({ name }) => name === trigger)) throw triggerUnknown(namespace, trigger)
  return found
}

function readEvent({ rawHeaders, body }: Question, clock: Clock): CloudEvent {
  const { mode, events } = decodeHttp(rawHeaders, body)
  const [event] = events
  if (mode === 'batch' || event === undefined) {
    const problem = 'one event is explained at a time: send it in binary or structured mode'
    throw new EventingError({ code: 'EVENT_INVALID', problem }, problem)
  }
  if (event.attributes.has(ARRIVAL_ATTRIBUTE)) return event
  return withAttributes(event, { [ARRIVAL_ATTRIBUTE]: new Date(clock.now()).toISOString() })
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

function triggerUnknown(namespace: string, trigger: string): EventingError {
  const message = `this broker has no trigger ${namespace}/${trigger}`
  return new EventingError({ code: 'TRIGGER_UNKNOWN', trigger: `${namespace}/${trigger}` }, message)
}

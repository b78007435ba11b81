import { judge } from '@sluice/testkit'
import { orderKeyOf, type Produced } from './producers.ts'
import { type ChaosTrigger, originOf, type Plan, replyId, type Script, takes } from './triggers.ts'
import type { Stage, Visit, Witness } from './witness.ts'

/** Times during which what was in hand may have been lost from memory, and so be made again. */
export interface Disturbance {
  readonly what: string
  readonly at: number
  /** When what was hit was back. */
  readonly upAt: number
  /** Memory was not lost, so that nothing is made again. */
  readonly isOrderly: boolean
  /** Requests that ended so long before may be made again too: their ends were not stored yet. */
  readonly uncommittedMs: number
}

/** What the installation still holds after its orderly end. */
export interface Held {
  /** Not judged, or waiting for a subscriber. */
  readonly waiting: number
  readonly parked: readonly { readonly trigger: string; readonly id: string; readonly reason: string }[]
}

export interface Remains extends Held {
  /** Had no end a minute after the last event, before anything was stopped or started again. */
  readonly stalled: readonly { readonly trigger: string; readonly id: string }[]
}

export interface Evidence {
  readonly triggers: readonly ChaosTrigger[]
  readonly produced: Produced
  readonly witness: Witness
  readonly remains: Remains
  readonly disturbances: readonly Disturbance[]
}

export type Promised =
  | 'accepted'
  | 'not lost'
  | 'nothing left over'
  | 'ends without a restart'
  | 'ends as it should'
  | 'in order'
  | 'no surplus'
  | 'repeats explained'

/** A promise that did not hold, with what is known of the event. */
export interface Broken {
  readonly promised: Promised
  readonly trigger: string
  readonly id: string
  readonly detail: string
}

export interface Verdict {
  readonly broken: readonly Broken[]
  /** Deliveries looked at: one per event and trigger. */
  readonly deliveries: number
  readonly ends: Readonly<{ [end in Plan['end']]: number }>
  readonly repeats: number
  /** What could have been repeated: in flight at a kill, or stored twice. */
  readonly allowed: number
  /** Ends this long before a disturbance were the oldest to be made again. */
  readonly oldestRepeatMs: number
}

/** An event that came to no end this often is parked, whoever its subscriber is. */
const MAX_HAND_OUTS = 5

/** A stored end waits for the commits that a 202 waits for, and more than one may follow each other. */
const COMMITS = 4
const LOOK_BACK_MS = 4_000

/** How long before a blow an end may not have been stored, given how long producers waited for their 202 then. */
function uncommittedMs({ at, uncommittedMs }: Disturbance, { slowest }: Produced): number {
  let longest = 0
  for (let second = Math.floor((at - LOOK_BACK_MS) / 1_000); second * 1_000 <= at; second += 1) {
    const request = slowest.get(second)
    if (request !== undefined) longest = Math.max(longest, Math.min(request.endedAt, at) - request.at)
  }
  return uncommittedMs + COMMITS * longest
}

/** Holds what was seen against what was promised. */
export function verdictOf(given: Evidence): Verdict {
  const { triggers, produced, remains } = given
  const disturbances = given.disturbances.map((one) => ({ ...one, uncommittedMs: uncommittedMs(one, produced) }))
  const evidence = { ...given, disturbances }
  const broken: Broken[] = [
    ...produced.gaveUp.map((id) => ({ promised: 'accepted' as const, trigger: '', id, detail: 'never answered 202' })),
    ...produced.refused.map(({ id, status }) => ({
      ...{ promised: 'accepted' as const, trigger: '', id },
      detail: `refused with ${status}`,
    })),
    ...remains.stalled.map((one) => ({
      ...{ promised: 'ends without a restart' as const, ...one },
      detail: 'had no end a minute after the last event',
    })),
  ]
  if (remains.waiting > 0) {
    const detail = `${remains.waiting} events still wait after the end`
    broken.push({ promised: 'nothing left over', trigger: '', id: '', detail })
  }
  const sent = [...produced.accepted, ...repliesTo(evidence)]
  const perTrigger = triggers.map((trigger) => judgeTrigger(trigger, sent, evidence))
  const sum = (of: (each: TriggerVerdict) => number) => perTrigger.reduce((total, each) => total + of(each), 0)
  return {
    broken: [...broken, ...perTrigger.flatMap((each) => each.broken)],
    deliveries: sum(({ deliveries }) => deliveries),
    ends: {
      delivered: sum(({ ends }) => ends.delivered),
      'dead-lettered': sum(({ ends }) => ends['dead-lettered']),
      parked: sum(({ ends }) => ends.parked),
    },
    repeats: sum(({ repeats }) => repeats),
    allowed: sum(({ allowed }) => allowed),
    oldestRepeatMs: Math.max(0, ...perTrigger.map(({ oldestRepeatMs }) => oldestRepeatMs)),
  }
}

/** A reply is in the log once its delivery has ended: of every event that a replying subscriber took. */
function repliesTo({ triggers, produced, witness, remains }: Evidence): string[] {
  return triggers
    .filter(({ replies }) => replies !== undefined)
    .flatMap((trigger) => {
      const parked = new Set(remains.parked.filter((each) => each.trigger === trigger.name).map(({ id }) => id))
      return produced.accepted
        .filter((id) => takes(trigger, id) && witness.at('subscriber', trigger.name).isTaken(id) && !parked.has(id))
        .map((id) => replyId(trigger, id))
    })
}

type TriggerVerdict = Verdict

function judgeTrigger(trigger: ChaosTrigger, sent: readonly string[], evidence: Evidence): TriggerVerdict {
  const { witness, remains, disturbances, produced } = evidence
  const { name } = trigger
  const expected = sent.filter((id) => takes(trigger, id))
  const parked = new Map(remains.parked.filter((each) => each.trigger === name).map(({ id, reason }) => [id, reason]))
  const taken = { subscriber: witness.at('subscriber', name), sink: witness.at('dead-letter-sink', name) }
  const endOf = (id: string): Plan['end'] | undefined => {
    if (taken.subscriber.isTaken(id)) return 'delivered'
    if (taken.sink.isTaken(id)) return 'dead-lettered'
    return parked.has(id) ? 'parked' : undefined
  }
  const broken: Broken[] = []
  const breaks = (promised: Promised, id: string, detail: string) =>
    broken.push({ promised, trigger: name, id, detail: `${detail}; ${story(id, trigger, evidence)}` })

  const ended = expected.filter((id) => endOf(id) !== undefined)
  for (const id of judge({ sent: expected, received: ended }).missing) breaks('not lost', id, 'came to no end')
  const ends = { delivered: 0, 'dead-lettered': 0, parked: 0 }
  for (const id of ended) {
    const end = endOf(id) as Plan['end']
    ends[end] += 1
    const { end: planned } = trigger.plan(id)
    const isPoisoned = parked.get(id) === 'NO_OUTCOME' && killsSince(id, evidence) >= MAX_HAND_OUTS
    if (end !== planned && !isPoisoned)
      breaks('ends as it should', id, `${end} ${parked.get(id) ?? ''}, not ${planned}`)
  }
  const surplus = new Set(judge({ sent: expected, received: parked.keys() }).surplus)
  for (const id of surplus) breaks('no surplus', id, 'parked, and not for this trigger')

  const seen = { repeats: 0, allowed: 0, oldestRepeatMs: 0 }
  for (const stage of ['subscriber', 'dead-letter-sink'] as const) {
    const arrivals = witness.at(stage, name)
    const young = youngOf(arrivals.visits, disturbances)
    const copies = (id: string) => 1 + (produced.perhapsStored.get(originOf(id)) ?? 0)
    const timesOf = (id: string) => requestsOf(scriptOf(trigger.plan(id), stage))
    const allowedOf = (id: string) => (young.get(id) ?? 0) + (copies(id) - 1) * timesOf(id)
    const keyOf = trigger.isOrdered && stage === 'subscriber' ? orderKeyOf : undefined
    const verdict = judge({ sent: expected, received: arrivals.ids, timesOf, allowedOf, ...(keyOf ? { keyOf } : {}) })
    for (const id of verdict.surplus) breaks('no surplus', id, `came to the ${stage}, and is not for this trigger`)
    for (const { id, after, key } of verdict.disorder)
      breaks('in order', id, `came after ${after} of the same key ${key}`)
    for (const [id, n] of verdict.unexplained)
      breaks('repeats explained', id, `${n} more at the ${stage} than explained`)
    seen.repeats += verdict.repeats
    seen.allowed += expected.reduce((total, id) => total + allowedOf(id), 0)
    for (const id of verdict.duplicates.keys()) {
      if (copies(id) > 1) continue
      seen.oldestRepeatMs = Math.max(seen.oldestRepeatMs, ageAtDisturbance(arrivals.visits.get(id) ?? [], disturbances))
    }
  }
  return { broken, deliveries: expected.length, ends, ...seen }
}

function scriptOf(plan: Plan, stage: Stage): Script | undefined {
  return stage === 'subscriber' ? plan.subscriber : plan.deadLetterSink
}

/** How many requests an event takes at a stage. */
function requestsOf(script: Script | undefined): number {
  return script === undefined ? 0 : script.failures.length + 1
}

const isYoung = ({ at, endedAt }: Visit, disturbance: Disturbance): boolean =>
  !disturbance.isOrderly && at <= disturbance.upAt && endedAt >= disturbance.at - disturbance.uncommittedMs

/** Of each id, the visits whose end a disturbance may have swallowed, once per disturbance. */
function youngOf(
  visits: ReadonlyMap<string, readonly Visit[]>,
  disturbances: readonly Disturbance[],
): Map<string, number> {
  const young = new Map<string, number>()
  for (const [id, each] of visits) {
    const n = disturbances.reduce((total, one) => total + each.filter((visit) => isYoung(visit, one)).length, 0)
    if (n > 0) young.set(id, n)
  }
  return young
}

/** How long before the next disturbance the oldest visit that was followed by another had ended. */
function ageAtDisturbance(visits: readonly Visit[], disturbances: readonly Disturbance[]): number {
  const ages = visits.slice(0, -1).map(({ endedAt }, n) => {
    const next = visits[n + 1]?.at ?? 0
    const between = disturbances.filter(({ at, upAt }) => upAt >= endedAt && at <= next)
    return between.length === 0 ? 0 : Math.min(...between.map(({ at }) => Math.max(0, at - endedAt)))
  })
  return Math.round(Math.max(0, ...ages))
}

function killsSince(id: string, { produced, disturbances }: Evidence): number {
  const since = produced.acceptedAt.get(originOf(id)) ?? 0
  return disturbances.filter(({ upAt, isOrderly }) => !isOrderly && upAt >= since).length
}

/** What happened to an event, for whoever looks for the defect. */
function story(id: string, { name }: ChaosTrigger, { produced, witness, disturbances }: Evidence): string {
  const acceptedAt = produced.acceptedAt.get(originOf(id))
  const visits = (['subscriber', 'dead-letter-sink'] as const).flatMap((stage) =>
    (witness.at(stage, name).visits.get(id) ?? []).map(
      ({ at, endedAt, status }) => `${stage} ${time(at)}-${time(endedAt)} ${status ?? 'open'}`,
    ),
  )
  const [first = acceptedAt ?? 0, last = first] = [Math.min(acceptedAt ?? Infinity), Infinity]
  const near = disturbances.filter(({ upAt, at }) => upAt >= first - 1_000 && at <= last).slice(0, 4)
  const stored = produced.perhapsStored.get(originOf(id)) ?? 0
  return [
    `accepted at ${acceptedAt === undefined ? 'no time' : time(acceptedAt)}${stored > 0 ? `, perhaps stored ${stored} times more` : ''}`,
    visits.length > 0 ? `requests: ${visits.join(', ')}` : 'no request came',
    `around it: ${near.map(({ what, at, upAt, uncommittedMs }) => `${what} ${time(at)}-${time(upAt)} (uncommitted ${Math.round(uncommittedMs)} ms)`).join(', ') || 'nothing'}`,
  ].join('; ')
}

const time = (at: number): string => (Number.isFinite(at) ? `${(at / 1_000).toFixed(3)} s` : 'never')

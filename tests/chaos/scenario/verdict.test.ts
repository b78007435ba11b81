import { describe, expect, test } from '@jest/globals'
import type { Produced } from './producers.ts'
import { type ChaosTrigger, replyId, type Script, takes, triggersOf } from './triggers.ts'
import { type Disturbance, type Evidence, type Remains, verdictOf } from './verdict.ts'
import { type Stage, Witness } from './witness.ts'

const SEED = 7
const triggers = triggersOf(SEED)
/** Four of each kind by one producer; those of a kind that are 3 apart share a key. */
const ids = ['a', 'b', 'c', 'd'].flatMap((kind) => [0, 3, 6, 9].map((n) => `${kind}-0-${n}`))
const KILL: Disturbance = { what: 'all killed', at: 5_000, upAt: 5_500, isOrderly: false, uncommittedMs: 300 }

/** A run in which all went well, and a hand to spoil it. */
function wellRun() {
  const witness = new Witness()
  const parked: { trigger: string; id: string; reason: string }[] = []
  let now = 1_000
  const visit = (stage: Stage, { name }: ChaosTrigger, id: string, status: number | 'reset', at = ++now) =>
    witness.at(stage, name).add(id, { at, endedAt: at, status })
  const play = (stage: Stage, trigger: ChaosTrigger, id: string, script: Script | undefined) => {
    for (const status of script === undefined ? [] : [...script.failures, script.last])
      visit(stage, trigger, id, status)
  }
  const replies = triggers.flatMap((trigger) =>
    trigger.replies === undefined ? [] : ids.filter((id) => takes(trigger, id)).map((id) => replyId(trigger, id)),
  )
  for (const trigger of triggers) {
    for (const id of [...ids, ...replies].filter((each) => takes(trigger, each))) {
      const plan = trigger.plan(id)
      play('subscriber', trigger, id, plan.subscriber)
      play('dead-letter-sink', trigger, id, plan.deadLetterSink)
      if (plan.end === 'parked') parked.push({ trigger: trigger.name, id, reason: 'DELIVERY_FAILED' })
    }
  }
  const produced: Produced = {
    ...{ accepted: ids, gaveUp: [], refused: [], perhapsStored: new Map(), slowest: new Map() },
    acceptedAt: new Map(ids.map((id) => [id, 900])),
  }
  const remains: Remains = { waiting: 0, stalled: [], parked }
  const evidence: Evidence = { triggers, produced, witness, remains, disturbances: [KILL] }
  return { evidence, visit, parked, arrivals: (name: string) => witness.at('subscriber', name) }
}

const named = (name: string) => triggers.find((trigger) => trigger.name === name) as ChaosTrigger
const brokenBy = (evidence: Evidence) =>
  verdictOf(evidence).broken.map(({ promised, trigger, id }) => `${promised}: ${trigger} ${id}`.trim())

describe('the chaos oracle', () => {
  test('finds nothing wrong with a run in which every event came to the end its subscribers wrote for it', () => {
    const { evidence } = wellRun()
    const { broken, deliveries, ends } = verdictOf(evidence)
    expect(broken).toEqual([])
    expect(ends.delivered + ends['dead-lettered'] + ends.parked).toBe(deliveries)
    expect([ends.parked, triggers.length]).toEqual([8, 20])
  })

  test('catches a planted loss: at a subscriber, at a dead letter sink, of what should be parked, of a reply', () => {
    const { evidence, parked, arrivals } = wellRun()
    arrivals('fast-b').visits.delete('b-0-3')
    evidence.witness.at('dead-letter-sink', 'dead-a').visits.delete('a-0-0')
    parked.splice(
      parked.findIndex(({ id }) => id === 'c-0-6'),
      1,
    )
    arrivals('fast-x').visits.delete('x-replying-a/a-0-9')
    expect(brokenBy(evidence)).toEqual([
      'not lost: fast-b b-0-3',
      'not lost: fast-x x-replying-a/a-0-9',
      'not lost: dead-a a-0-0',
      'not lost: nobody-c c-0-6',
    ])
  })

  test('catches a planted swap at a trigger that takes one at a time, and at no other', () => {
    const { evidence, arrivals } = wellRun()
    for (const name of ['ordered-a', 'fast-a']) {
      const { ids: came } = arrivals(name)
      const [first = '', second = ''] = came
      came.splice(0, 2, second, first)
    }
    expect(brokenBy(evidence)).toEqual(['in order: ordered-a a-0-0'])
  })

  test('catches a planted surplus: of another kind, never sent, or parked where it does not belong', () => {
    const { evidence, visit, parked } = wellRun()
    visit('subscriber', named('fast-a'), 'b-0-0', 204)
    visit('subscriber', named('fast-b'), 'b-9-9', 204)
    parked.push({ trigger: 'fast-c', id: 'a-0-0', reason: 'DELIVERY_FAILED' })
    expect(brokenBy(evidence)).toEqual([
      'no surplus: fast-a b-0-0',
      'no surplus: fast-b b-9-9',
      'no surplus: fast-c a-0-0',
    ])
  })

  test('allows one repeat of what was in hand at a kill, and catches one planted without such a reason', () => {
    const { evidence, visit, arrivals } = wellRun()
    const again = (id: string, at: number) => {
      for (const when of [at, 6_000]) visit('subscriber', named('fast-a'), id, 204, when)
      arrivals('fast-a').visits.get(id)?.shift()
      arrivals('fast-a').ids.splice(arrivals('fast-a').ids.indexOf(id), 1)
    }
    again('a-0-0', KILL.at - KILL.uncommittedMs + 1)
    expect(brokenBy(evidence)).toEqual([])
    again('a-0-3', KILL.at - KILL.uncommittedMs - 1)
    expect(brokenBy(evidence)).toEqual(['repeats explained: fast-a a-0-3'])
    expect(brokenBy({ ...evidence, disturbances: [{ ...KILL, isOrderly: true }] })).toEqual([
      'repeats explained: fast-a a-0-0',
      'repeats explained: fast-a a-0-3',
    ])
  })

  test('allows as many more as the event may have been stored, and no more than that', () => {
    const { evidence, visit } = wellRun()
    visit('subscriber', named('fast-a'), 'a-0-0', 204)
    const twice = { ...evidence.produced, perhapsStored: new Map([['a-0-0', 1]]) }
    expect(brokenBy({ ...evidence, produced: twice })).toEqual([])
    visit('subscriber', named('fast-a'), 'a-0-0', 204)
    expect(brokenBy({ ...evidence, produced: twice })).toEqual(['repeats explained: fast-a a-0-0'])
  })

  test('catches an end that is not the one its subscriber wrote, but for what came to no end five times', () => {
    const { evidence, parked, arrivals } = wellRun()
    arrivals('fast-a').visits.delete('a-0-0')
    parked.push({ trigger: 'fast-a', id: 'a-0-0', reason: 'NO_OUTCOME' })
    expect(brokenBy(evidence)).toEqual(['ends as it should: fast-a a-0-0'])
    expect(brokenBy({ ...evidence, disturbances: Array(5).fill(KILL) })).toEqual([])
  })

  test('catches what waits for ever, what is never taken, and what is refused', () => {
    const { evidence } = wellRun()
    const produced = { ...evidence.produced, gaveUp: ['a-1-0'], refused: [{ id: 'a-1-1', status: 400 }] }
    expect(
      brokenBy({
        ...evidence,
        produced,
        remains: { ...evidence.remains, waiting: 3, stalled: [{ trigger: 'fast-a', id: 'a-0-0' }] },
      }),
    ).toEqual(['accepted:  a-1-0', 'accepted:  a-1-1', 'ends without a restart: fast-a a-0-0', 'nothing left over:'])
  })
})

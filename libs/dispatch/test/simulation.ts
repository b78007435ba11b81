import type { Delivery } from '@sluice/channel'
import { sleep } from '@sluice/clock'
import type { AttributeValue } from '@sluice/cloudevents'
import type { DeliveryRow } from '@sluice/contract'
import type { Answer, Endpoint, OutgoingRequest } from '@sluice/sender'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { type DispatchDeps, dispatch } from '../src/dispatch.ts'
import { dispatcherEvents, dispatchTelemetry } from '../src/events.ts'
import { orphaned } from '../src/orphan.ts'
import { Program } from '../src/program.ts'
import { deltaOf, eventOf, LOG, REVISION, rowOf } from './fake-queue.ts'

interface Entry {
  readonly id: string
  readonly queue: string
  readonly laneKey: string
  readonly lane: number
  readonly more: Record<string, AttributeValue>
  attempt: number
  note: string | undefined
  notBefore: number
  isOut: boolean
}

/** What a subscriber does: a status, nothing at all, or either after some time. */
export type Behaviour = number | Answer['kind'] | { readonly afterMs: number; readonly comes: number | Answer['kind'] }

export interface Request {
  readonly at: number
  readonly id: string
  readonly url: string
}

/** Queues in memory that keep order and windows as the port says, a dispatcher, and a subscriber, on a virtual clock. */
export function simulate(facts: Partial<DeliveryRow>, behave: (request: Request) => Behaviour = () => 204) {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const shared = dispatchTelemetry(telemetry)
  const entries: Entry[] = []
  const requests: Request[] = []
  const ends: string[] = []
  let underWay = 0
  let most = 0
  let isStopped = false

  const program = new Program({
    ...{ telemetry: shared, ingressUrl: 'http://in', clock, adopt() {}, forget() {} },
    wake: () => pump(),
  })
  const apply = (row: DeliveryRow) => {
    program.apply(deltaOf({ revision: program.revision + 1, deliveries: [row] }))
    pump()
  }
  program.apply(deltaOf({ logs: [LOG], deliveries: [rowOf(facts)] }))
  const revision = () => REVISION
  const deps = {
    ...{ driver: {}, telemetry, revision, clock, random: () => 0 },
    admit: (event: unknown) => event,
    destination: (queue: string) => program.destination(queue),
    replyLog: () => undefined,
    orphaned: (delivery: Delivery) => orphaned(delivery, { revision, events: dispatcherEvents(shared) }),
    sender: {
      async post({ url }: Endpoint, { headers }: OutgoingRequest): Promise<Answer> {
        const request = { at: clock.monotonic(), id: headers[headers.indexOf('ce-id') + 1] ?? '', url }
        requests.push(request)
        most = Math.max(most, ++underWay)
        let behaviour = behave(request)
        if (typeof behaviour === 'object') {
          await sleep(clock, behaviour.afterMs)
          behaviour = behaviour.comes
        }
        underWay -= 1
        return answerOf(behaviour)
      },
    },
  } as unknown as DispatchDeps

  const outs = new Map<string, number>()
  const out = (queue: string) => outs.get(queue) ?? 0
  const window = (queue: string) => program.destination(queue)?.gate.window() ?? 8

  function pump(): void {
    if (isStopped) return
    const now = clock.now()
    const closed = new Set<string>()
    for (const entry of [...entries]) {
      const { queue } = entry
      if (entry.isOut || entry.notBefore > now || closed.has(queue)) continue
      if (window(queue) <= out(queue)) {
        closed.add(queue)
        continue
      }
      entry.isOut = true
      outs.set(queue, out(queue) + 1)
      // A batch reaches the dispatcher a moment after it was handed out.
      queueMicrotask(() => void dispatch(deliveryOf(entry), deps))
    }
  }

  function deliveryOf(entry: Entry): Delivery {
    const { id, queue, laneKey, lane, attempt, note, more } = entry
    const end = (what: string, again?: Partial<Entry>) => async () => finish(what, again)
    const finish = (what: string, again?: Partial<Entry>) => {
      ends.push(`${id} ${what}`)
      Object.assign(entry, { isOut: false, ...again })
      outs.set(queue, out(queue) - 1)
      if (again === undefined) entries.splice(entries.indexOf(entry), 1)
      else if (entry.notBefore > clock.now()) clock.after(entry.notBefore - clock.now(), pump)
      pump()
    }
    return {
      ...{ event: eventOf(id.split('#')[0] as string, more), position: id, queue, laneKey, lane, attempt, note },
      ...{ handOuts: 1, dedupKey: `log-${id}/${queue}`, storedAt: 0, stamp: REVISION, headers: undefined },
      ack: end('ack'),
      nack: async (delayMs, next) =>
        finish(`nack ${delayMs}`, { attempt: attempt + 1, note: next, notBefore: clock.now() + delayMs }),
      release: async (delayMs) => finish('release', { notBefore: clock.now() + delayMs }),
      park: async (reason) => finish(`park ${reason}`),
    }
  }

  /** What follows a `#` in an id is no part of the event's. */
  const publish = (id: string, { key = `/s ${id}`, lane = 0, queue = 'q', more = {} }: Partial<Published> = {}) => {
    entries.push({ id, queue, laneKey: key, lane, more, attempt: 1, note: undefined, notBefore: 0, isOut: false })
    pump()
  }

  return {
    ...{ clock, telemetry, program, requests, ends, entries, publish, apply },
    row: (more: Partial<DeliveryRow>) => apply(rowOf({ ...facts, ...more })),
    stop() {
      isStopped = true
      program.close()
    },
    ids: () => requests.map(({ id }) => id),
    /** Most requests under way at once so far. */
    most: () => most,
    out: () => out('q'),
    window: () => window('q'),
  }
}

interface Published {
  readonly key: string
  readonly lane: number
  readonly queue: string
  readonly more: Record<string, AttributeValue>
}

function answerOf(behaviour: number | Answer['kind']): Answer {
  if (behaviour === 'aborted') return { kind: 'aborted' }
  if (typeof behaviour !== 'number') return { kind: behaviour, problem: 'simulated' } as Answer
  const nothing = { headers: [], body: Buffer.alloc(0), bodyBytes: 0, isCloudEvent: false, isCut: false }
  return { kind: 'response', status: behaviour, ...nothing }
}

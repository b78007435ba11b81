import type { Case } from '../../bench.ts'
import { endToEnd as endToEndOver, type Scenario, WINDOW } from '../saturated.ts'

export const n3: Case = {
  name: 'n3',
  about: 'floor: node:http, JetStream, POST: 60 lines in two processes, 256 events under way',
  against: [],
  async run(bench) {
    const { url, pid: nats } = bench.nats()
    const name = `n3x${Date.now().toString(36)}`
    await using ingress = await bench.fork('floors/nats-ingress.ts', [url, name])
    await using dispatch = await bench.fork('floors/nats-dispatch.ts', [url, name, bench.sink.url])
    const target = { pid: ingress.pid, url: `http://127.0.0.1:${ingress.port}/default/default` }
    const parts = { ingress: [ingress.pid], dispatch: [dispatch.pid], nats: [nats] }
    return { n3: await bench.measure({ ...target, parts, pacing: WINDOW, toSink: true }) }
  },
}

const endToEnd = (name: string, about: string, against: readonly string[], scenario: Scenario) =>
  endToEndOver(name, about, against, scenario, (bench) => ({ nats: [bench.nats().pid] }))

const APART = { ingress: 1, filter: 1, dispatcher: 1 }
/** Requests of 20 ms, of which a dispatcher has 10 under way: 500/s each, if the machine has the processors. */
const SLOW = { maxInFlight: 10, delayMs: 20, size: 1_000 }
/** 100/s each: what small machines can do as well. */
const SLOWER = { maxInFlight: 10, delayMs: 100, size: 1_000 }
const FOUR = { ...APART, dispatcher: 4 }

export const oneWrite = endToEnd('one-write', 'ingress and filter-dispatcher, 1 trigger', ['n3'], {
  replicas: { ingress: 1, 'filter-dispatcher': 1 },
})
export const apart = endToEnd('apart', 'ingress, filter and dispatcher, 1 trigger', ['n3'], { replicas: APART })
export const manyTriggers = endToEnd(
  'many-apart',
  'the same with 1,000 triggers of which none other matches',
  ['apart'],
  {
    replicas: APART,
    others: 1_000,
  },
)
export const dispatchers1 = endToEnd('dispatchers-1', '1 dispatcher, 10 in flight, subscriber of 20 ms', [], {
  ...SLOW,
  replicas: APART,
})
export const dispatchers4 = endToEnd(
  'dispatchers-4',
  '4 dispatchers, 10 in flight each, the same subscriber',
  ['dispatchers-1'],
  {
    ...SLOW,
    replicas: FOUR,
  },
)
export const slower1 = endToEnd('dispatchers-1-slower', '1 dispatcher, 10 in flight, subscriber of 100 ms', [], {
  ...SLOWER,
  replicas: APART,
})
export const slower4 = endToEnd(
  'dispatchers-4-slower',
  '4 dispatchers, 10 in flight each, the same subscriber',
  ['dispatchers-1-slower'],
  { ...SLOWER, replicas: FOUR },
)

import { afterAll, expect, test } from '@jest/globals'
import {
  judge,
  posting,
  provisionNats,
  type Service,
  ServicesApart,
  type SinkRequest,
  startNats,
  startSink,
  until,
} from '@sluice/testkit'
import { broker, trigger } from './manifests.ts'
import { postUntilAccepted } from './post-until-accepted.ts'

/** How much load goes on at each size; more by hand. */
const EVENTS_PER_PHASE = Number(process.env.SCALING_EVENTS ?? 100)
const PHASE_MS = 20_000 + EVENTS_PER_PHASE * 20
const KEYS = 32
/** Of each key sent and not answered by the subscriber: every lane has something to do, and little waits at the end. */
const AHEAD = 4
const FEW = 2
const MANY = 8
const ANSWER_MS = 5

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)
afterAll(async () => server?.[Symbol.asyncDispose]())
const onNats = server === undefined ? test.skip : test

/** A subscriber, and a producer for each key that sends an event when the one before was accepted. */
async function startLoad() {
  const ahead = new Map<string, number>()
  const open = new Map<string, number>()
  const room = new Map<string, () => void>()
  const seen = { most: 0, together: [] as string[] }
  const add = (to: Map<string, number>, key: string, n: number) => to.set(key, (to.get(key) ?? 0) + n).get(key) ?? 0
  const sink = await startSink({
    async respond({ headers, id }: SinkRequest) {
      const key = String(headers['ce-partitionkey'])
      if (add(open, key, 1) > 1) seen.together.push(id)
      seen.most = Math.max(seen.most, sink.open)
      await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
      add(open, key, -1)
      add(ahead, key, -1)
      room.get(key)?.()
      return 204
    },
  })
  const sent: string[] = []
  const over = new AbortController()
  const produce = async (ingressUrl: string, key: string) => {
    for (let n = 0; !over.signal.aborted; n++) {
      const id = `${key}-${n}`
      add(ahead, key, 1)
      sent.push(id)
      await postUntilAccepted([ingressUrl], posting(id, { partitionkey: key }))
      if ((ahead.get(key) ?? 0) >= AHEAD) await new Promise<void>((resolve) => room.set(key, resolve))
    }
  }
  const keys = Array.from({ length: KEYS }, (_, n) => `k${n}`)
  return {
    sink,
    seen,
    produce: (url: string) => Promise.all(keys.map((key) => produce(url, key))),
    end: () => over.abort(),
    verdict: () => judge({ sent, received: sink.requests.map(({ id }) => id), keyOf: (id) => id.replace(/-\d+$/, '') }),
  }
}

onNats(
  'two dispatchers become eight and two again under load: nothing is lost, repeated or out of order, and a key has one request at a time',
  async () => {
    const load = await startLoad()
    const { sink, seen } = load
    await using _sink = sink
    const one = trigger('one', { uri: sink.url, annotations: { 'sluice.dev/max-in-flight': '1' } })
    await using apart = new ServicesApart({
      env: { CHANNEL_DRIVER: 'nats', NATS_URL: server?.url ?? '', NATS_PREFIX: `scaling-${process.pid}` },
      manifests: { 'all.yaml': broker() + one },
      readyMs: 30_000,
    })
    const controller = await apart.controller()
    const dispatchers = (from: number, to: number): Promise<Service[]> =>
      Promise.all(
        Array.from({ length: to - from }, (_, n) =>
          apart.service('dispatcher', `dispatcher-${from + n}`, controller.url),
        ),
      )
    const [ingress] = await Promise.all([
      apart.service('ingress', 'ingress', controller.url),
      apart.service('filter', 'filter', controller.url),
      dispatchers(0, FEW),
    ])
    await until('readiness', async () => (await ingress.readyz()).status === 200)

    const producing = load.produce(ingress.url)
    const phase = () => sink.received(sink.count + EVENTS_PER_PHASE, PHASE_MS)
    await phase()
    const most = { few: seen.most, many: 0 }
    const more = await dispatchers(FEW, MANY)
    await sink.until('requests at once of more dispatchers', () => seen.most > FEW + 2, PHASE_MS)
    await phase()
    most.many = seen.most
    await Promise.all(more.map((each) => each.kill('SIGTERM')))
    await phase()
    load.end()
    await producing
    await sink.until('everything', () => load.verdict().missing.length === 0, PHASE_MS)

    expect(load.verdict()).toMatchObject({ missing: [], surplus: [], repeats: 0, disorder: [] })
    expect([seen.together, most.few <= FEW, most.many <= MANY]).toEqual([[], true, true])
    expect(await Promise.all(more.map(({ running }) => running.exit))).toEqual(
      more.map(() => ({ code: 0, signal: null })),
    )
  },
  60_000 + 3 * PHASE_MS,
)

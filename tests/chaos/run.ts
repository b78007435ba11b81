import { setTimeout as wait } from 'node:timers/promises'
import { disturb } from './disturb.ts'
import { freePort } from './layouts/free-port.ts'
import type { Layout, LayoutOptions } from './layouts/layout.ts'
import { hashOf, seededRandom } from './random.ts'
import { type Produced, produce } from './scenario/producers.ts'
import { startSubscribers } from './scenario/subscribers.ts'
import { type ChaosTrigger, manifestsOf, takes, triggersOf } from './scenario/triggers.ts'
import { type Disturbance, type Remains, type Verdict, verdictOf } from './scenario/verdict.ts'
import { Witness } from './scenario/witness.ts'

export interface RunOptions {
  readonly seed: number
  /** Of load and disturbances; starting and coming to rest come on top. */
  readonly loadMs: number
  readonly eventsPerSecond: number
  readonly open: (options: LayoutOptions) => Promise<Layout>
}

export interface Report {
  readonly verdict: Verdict
  readonly accepted: number
  readonly disturbances: readonly Disturbance[]
  readonly logs: ReadonlyMap<string, string>
  readonly seconds: number
}

/** Everything has its end at the latest so long after the last event; the oracle calls what has none lost. */
const REST_MS = 60_000
/** No retry of the scenario waits longer. */
const QUIET_MS = 1_000
const LOOK_MS = 100
/** A retry may be under way at the orderly end; it goes on at the next start. */
const STOPS = 5

/** Runs the scenario once and judges it. Rejects only when an installation does not start or stop. */
export async function run({ seed, loadMs, eventsPerSecond, open }: RunOptions): Promise<Report> {
  const startedAt = performance.now()
  const triggers = triggersOf(seed)
  const witness = new Witness()
  const disturbances: Disturbance[] = []
  await using sink = await startSubscribers(triggers, witness)
  const manifests = manifestsOf(triggers, { sink: sink.url, nobody: `http://127.0.0.1:${await freePort()}/` })
  await using layout = await open({ manifests })

  const failed = new AbortController()
  const load = AbortSignal.any([AbortSignal.timeout(loadMs), failed.signal])
  const told = (disturbance: Disturbance) => void disturbances.push(disturbance)
  const urls = layout.ingressUrls
  const producing = produce({ seed, urls, eventsPerSecond, signal: load, givenUp: failed.signal })
  const disturbing = layout.groups.map((parts, n) => {
    const random = seededRandom(hashOf(`${seed}/blows ${n}`))
    return disturb(parts, { random, signal: load, told }).catch((error: unknown) => {
      failed.abort()
      throw error
    })
  })
  const [produced] = await Promise.all([producing, ...disturbing])

  const remains = await comeToRest(layout, triggers, produced, witness)
  return {
    verdict: verdictOf({ triggers, produced, witness, remains, disturbances }),
    accepted: produced.accepted.length,
    disturbances,
    logs: layout.logs(),
    seconds: Math.round((performance.now() - startedAt) / 1_000),
  }
}

/** Waits until every event that a subscriber can end has ended, then for the store to be empty but for what is parked. */
async function comeToRest(
  layout: Layout,
  triggers: readonly ChaosTrigger[],
  { accepted }: Produced,
  witness: Witness,
): Promise<Remains> {
  const until = performance.now() + REST_MS
  const open = new Set(
    triggers.flatMap((trigger) =>
      accepted
        .filter((id) => takes(trigger, id) && trigger.plan(id).end !== 'parked')
        .map((id) => ({ trigger: trigger.name, id })),
    ),
  )
  const isQuiet = () => performance.now() - witness.lastAt > QUIET_MS
  while (performance.now() < until) {
    for (const each of open) {
      const { trigger, id } = each
      if (witness.at('subscriber', trigger).isTaken(id) || witness.at('dead-letter-sink', trigger).isTaken(id))
        open.delete(each)
    }
    if (open.size === 0 && isQuiet()) break
    await wait(LOOK_MS)
  }
  for (let stops = 1; ; stops += 1) {
    const remains = await layout.stop()
    if (remains.waiting === 0 || stops === STOPS) return { ...remains, stalled: [...open] }
    await layout.start()
    await wait(QUIET_MS)
    while (!isQuiet()) await wait(LOOK_MS)
  }
}

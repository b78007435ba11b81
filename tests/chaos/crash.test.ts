import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { judge, type Posting, posting, postMany, type SinkRequest, startSink } from '@sluice/testkit'
import { type Installation, install } from '../e2e/installation.ts'
import { broker, trigger } from '../e2e/manifests.ts'
import { seededRandom } from './random.ts'

const EVENTS = 10_000
const CONNECTIONS = 50
const KILLS = 6
/** A busy machine takes its time for seven starts. */
const LOAD_MS = 240_000
/**
 * A delivery whose end was not on disk yet when the process died is made again: those of this long before a kill. Ends
 * wait up to 5 ms for a commit to ride on, and then for the one that runs and their own, each slow on a busy disk.
 */
const UNCOMMITTED_MS = 100

interface Kill {
  readonly at: number
  /** When the next process was ready. */
  readonly upAt: number
  readonly acceptedBefore: number
}

/** Kills it now, starts it again; now and then kills that one too before it is ready. */
async function killAndRestart(sluice: Installation, doomedForMs: number | undefined): Promise<void> {
  sluice.running.kill('SIGKILL')
  await sluice.running.exit
  if (doomedForMs !== undefined) await sluice.startDoomed(doomedForMs)
  await sluice.restart()
}

/**
 * How often each event may arrive beyond the first time: stored again because its answer got lost, once per request
 * without an answer; delivered again because its end was not on disk, once per delivery shortly before a kill.
 */
function allowedRepeats({
  unanswered,
  kills,
  requests,
}: {
  unanswered: readonly string[]
  kills: readonly Kill[]
  requests: readonly SinkRequest[]
}): Map<string, number> {
  const young = requests.filter(({ at }) => kills.some((kill) => at >= kill.at - UNCOMMITTED_MS && at <= kill.upAt))
  const allowed = new Map<string, number>()
  for (const id of [...unanswered, ...young.map((request) => request.id)]) allowed.set(id, (allowed.get(id) ?? 0) + 1)
  return allowed
}

/** Age at the kill, in ms, of the oldest delivery that was made again although its event was stored once. */
function oldestRepeat(
  duplicates: ReadonlyMap<string, number>,
  unanswered: readonly string[],
  kills: readonly Kill[],
  requests: readonly SinkRequest[],
): number {
  const storedTwice = new Set(unanswered)
  const first = new Map(requests.toReversed().map(({ id, at }) => [id, at]))
  const ages = [...duplicates.keys()]
    .filter((id) => !storedTwice.has(id))
    .map((id) => {
      const at = first.get(id) ?? 0
      return (kills.find(({ upAt }) => upAt > at)?.at ?? at) - at
    })
  return Math.round(Math.max(0, ...ages))
}

function* events(): Generator<Posting> {
  for (let n = 0; n < EVENTS; n += 1) yield posting(`event-${n}`, { type: 'dev.sluice.crash' })
}

describe('crash', () => {
  test(
    `${EVENTS} events from ${CONNECTIONS} connections, ${KILLS} kills at random moments: each 202 is delivered`,
    async () => {
      const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000)
      const random = seededRandom(seed)
      process.stdout.write(`crash: seed ${seed}; SLUICE_SEED=${seed} repeats its kills\n`)
      await using sink = await startSink({ keepBodyBytes: 0 })
      const one = trigger('one', { uri: sink.url, attributes: { type: 'dev.sluice.crash' } })
      await using sluice = await install({ manifests: { 'all.yaml': broker() + one } })

      const accepted: string[] = []
      let wake = () => {}
      const onAccepted = (id: string) => {
        accepted.push(id)
        wake()
      }
      const url = `${sluice.ingressUrl}/default/default`
      const loading = postMany({
        ...{ url, events: events(), connections: CONNECTIONS, onAccepted },
        ...{ again: { pauseMs: 10 }, timeoutMs: LOAD_MS },
      })
      const acceptedReach = (n: number) => {
        const reached = new Promise<void>((resolve) => {
          wake = () => void (accepted.length >= n && resolve())
          wake()
        })
        return Promise.race([reached, loading])
      }

      const kills: Kill[] = []
      const logs: string[] = []
      for (let n = 0; n < KILLS; n += 1) {
        await acceptedReach(accepted.length + random.between(200, 1_400))
        await wait(random.between(0, 15))
        logs.push(sluice.running.stderr())
        const kill = { at: performance.now(), acceptedBefore: accepted.length }
        await killAndRestart(sluice, n === 2 ? random.between(50, 400) : undefined)
        kills.push({ ...kill, upAt: performance.now() })
      }
      const result = await loading
      const received = () => sink.requests.map(({ id }) => id)
      const delivered = new Set<string>()
      let looked = 0
      await sink.until(
        'delivery of everything accepted',
        () => {
          for (; looked < sink.requests.length; looked += 1) delivered.add(sink.requests[looked]?.id ?? '')
          return accepted.every((id) => delivered.has(id))
        },
        60_000,
      )
      sluice.running.kill('SIGTERM')
      expect(await sluice.running.exit).toEqual({ code: 0, signal: null })

      logs.push(sluice.running.stderr())
      const allowed = allowedRepeats({ unanswered: result.unanswered, kills, requests: sink.requests })
      const verdict = judge({ sent: accepted, received: received(), allowedOf: (id) => allowed.get(id) ?? 0 })
      const total = [...allowed.values()].reduce((sum, n) => sum + n, 0)
      process.stdout.write(
        `crash: kills after ${kills.map(({ acceptedBefore }) => acceptedBefore).join(', ')} accepted; ` +
          `${verdict.repeats} duplicates, at most ${total} allowed: ${result.unanswered.length} requests had no answer, ` +
          `${total - result.unanswered.length} deliveries were less than ${UNCOMMITTED_MS} ms old at a kill, ` +
          `the oldest made again ${oldestRepeat(verdict.duplicates, result.unanswered, kills, sink.requests)} ms\n`,
      )
      expect(result).toMatchObject({ refused: [], gaveUp: [] })
      expect(accepted.length).toBe(EVENTS)
      expect(verdict.missing).toEqual([])
      expect(verdict.surplus).toEqual([])
      expect([...verdict.unexplained]).toEqual([])
      expect(logs.join('')).not.toContain('"event parked"')
    },
    LOAD_MS + 60_000,
  )
})

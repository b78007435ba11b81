import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { judge, type Posting, posting, postMany, startSink } from '@sluice/testkit'
import { type Installation, install } from '../e2e/installation.ts'
import { broker, trigger } from '../e2e/manifests.ts'
import { seededRandom } from './random.ts'

const EVENTS = 10_000
const CONNECTIONS = 50
const KILLS = 6
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

function* events(): Generator<Posting> {
  for (let n = 0; n < EVENTS; n += 1) yield posting(`event-${n}`, { type: 'dev.sluice.crash' })
}

describe('crash', () => {
  test(`${EVENTS} events from ${CONNECTIONS} connections, ${KILLS} kills at random moments: each 202 is delivered`, async () => {
    const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000)
    const random = seededRandom(seed)
    await using sink = await startSink({ keepBodyBytes: 0 })
    const one = trigger('one', { uri: sink.url, attributes: { type: 'dev.sluice.crash' } })
    await using sluice = await install({ manifests: { 'all.yaml': broker() + one } })

    const accepted: string[] = []
    let wake = () => {}
    const onAccepted = (id: string) => {
      accepted.push(id)
      wake()
    }
    const acceptedReach = (n: number) =>
      new Promise<void>((resolve) => {
        wake = () => void (accepted.length >= n && resolve())
        wake()
      })
    const url = `${sluice.ingressUrl}/default/default`
    const loading = postMany({ url, events: events(), connections: CONNECTIONS, again: { pauseMs: 10 }, onAccepted })

    const kills: Kill[] = []
    for (let n = 0; n < KILLS; n += 1) {
      await acceptedReach(accepted.length + random.between(200, 1_400))
      await wait(random.between(0, 15))
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
      20_000,
    )
    sluice.running.kill('SIGTERM')
    expect(await sluice.running.exit).toEqual({ code: 0, signal: null })

    const verdict = judge({ sent: accepted, received: received() })
    const undecided = kills.map(
      ({ at, upAt }) =>
        sink.requests.filter((request) => request.at >= at - UNCOMMITTED_MS && request.at <= upAt).length,
    )
    const bound = result.unanswered + undecided.reduce((sum, n) => sum + n, 0)
    process.stdout.write(
      `crash: seed ${seed}, kills after ${kills.map(({ acceptedBefore }) => acceptedBefore).join(', ')} accepted; ` +
        `${result.unanswered} requests without an answer; ${verdict.repeats} duplicates, bound ${bound}\n`,
    )
    expect(result).toMatchObject({ refused: [], gaveUp: [] })
    expect(accepted.length).toBe(EVENTS)
    expect(verdict.missing).toEqual([])
    expect(verdict.surplus).toEqual([])
    // Stored twice because its 202 got lost, or delivered again because its end was not yet on disk: nothing else.
    expect(verdict.repeats).toBeLessThanOrEqual(bound)
  }, 60_000)
})

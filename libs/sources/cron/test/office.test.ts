import { expect, test } from '@jest/globals'
import {
  createContractStore,
  createSourceDesk,
  inProcessLine,
  openSourceOffice,
  type PingSourceRow,
} from '@sluice/contract'
import { pingSource } from '@sluice/source-cron'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeIngress, settle, VirtualClock } from '@sluice/testkit'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const role = 'source-cron'

const rowOf = (uid: string): PingSourceRow => ({
  ...{ uid, hash: '', kind: 'PingSource', namespace: 'shop', name: uid, schedule: '*/10 * * * * *', timezone: 'UTC' },
  ...{ target: { url: 'http://127.0.0.1:8080/shop/default', internal: true }, missedTicks: 'skip' },
})

/** The thread that writes things down is in no virtual time. */
async function moved(clock: VirtualClock, ms: number): Promise<void> {
  for (let past = 0; past < ms; past += SECOND_MS) {
    await clock.advance(SECOND_MS)
    await settle(10)
  }
}

test('with the desk that ships, sources move to a newcomer, away from one that dies and goes on, and back: no tick is missing', async () => {
  const [clock, telemetry] = [new VirtualClock(), createTestTelemetry()]
  const ingress = createFakeIngress({ clock })
  const store = await createContractStore({ clock, telemetry })
  await using office = await openSourceOffice({ store, clock, telemetry, path: ':memory:', settleMs: 0 })
  const start = (replica: string): AsyncDisposable => {
    const line = inProcessLine({ office, store, role, replica })
    const desk = createSourceDesk<PingSourceRow>({ role, contract: store, line, clock, telemetry })
    const hold = pingSource({ telemetry })
    const sources = runSources({ clock, telemetry, sender: ingress.sender, random: () => 0, desk, hold })
    return {
      async [Symbol.asyncDispose]() {
        await sources[Symbol.asyncDispose]()
        await desk[Symbol.asyncDispose]()
      },
    }
  }
  const names = ['a', 'b', 'c', 'd']
  const holders = () => new Set(names.map((uid) => office.standing(uid)?.holder))
  await store.change({ put: { sources: names.map(rowOf) }, removed: {} })
  await using _one = start('one')
  await moved(clock, 25 * SECOND_MS)
  const two = start('two')
  await moved(clock, 30 * SECOND_MS)
  expect(holders()).toEqual(new Set(['one', 'two']))

  ingress.respond = () => 'unreachable'
  office.leave('two of this process', 'expired')
  await moved(clock, MINUTE_MS)
  expect(holders()).toEqual(new Set(['one']))
  ingress.respond = () => 202
  await moved(clock, 40 * SECOND_MS)
  await two[Symbol.asyncDispose]()
  await moved(clock, 20 * SECOND_MS)

  for (const uid of names) {
    const events = ingress.stored.filter(({ attributes }) => String(attributes.get('source')).endsWith(`/${uid}`))
    const times = new Set(events.map(({ attributes }) => Date.parse(String(attributes.get('time')))))
    const sorted = [...times].toSorted((x, y) => x - y)
    expect(sorted.slice(1).map((time, i) => time - (sorted[i] as number))).toEqual(sorted.slice(1).map(() => 10_000))
    expect(sorted.length).toBeGreaterThanOrEqual(16)
    const named = new Set(events.map(({ attributes }) => `${attributes.get('id')} ${attributes.get('time')}`))
    expect(named.size).toBe(times.size)
    expect(office.standing(uid)?.report?.conditions).toMatchObject({
      ...{ Deployed: { status: 'True' }, EventsStored: { status: 'True' } },
    })
  }
})

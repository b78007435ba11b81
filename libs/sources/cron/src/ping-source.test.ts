import { describe, expect, test } from '@jest/globals'
import type { Clock } from '@sluice/clock'
import type { PingSourceRow } from '@sluice/contract'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress, type FakeDesk, VirtualClock } from '@sluice/testkit'
import { pingSource } from './ping-source.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const ROW: PingSourceRow = {
  ...{ uid: 'u1', hash: '', kind: 'PingSource', namespace: 'shop', name: 'ping' },
  target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
  ...{ schedule: '* * * * *', timezone: 'UTC', missedTicks: 'skip' },
  ...{ contentType: 'application/json', data: { text: '{"hello":"world"}' } },
}

function bench({ napMs = 30_000, startsAt = Date.UTC(2026, 0, 1) }: { napMs?: number; startsAt?: number } = {}) {
  const clock = new VirtualClock(startsAt)
  const telemetry = createTestTelemetry()
  const ingress = createFakeIngress({ clock })
  const desk = createFakeDesk<PingSourceRow>({ clock })
  const start = (as: Clock = clock) =>
    runSources({
      ...{ clock: as, telemetry, sender: ingress.sender, random: () => 0, desk: desk.replica() },
      hold: pingSource({ telemetry, napMs }),
    })
  const times = () => ingress.stored.map(({ attributes }) => String(attributes.get('time')))
  const minutes = () => times().map((time) => time.slice(11, 16))
  return { clock, telemetry, ingress, desk, start, times, minutes }
}

describe('a tick', () => {
  test("SRC-01, SRC-02, SRC-05: is Knative's event, with an id and a time that are the tick's however often it is sent", async () => {
    const { clock, desk, ingress, start } = bench()
    await using _ = start()
    await desk.put({ ...ROW, ceOverrides: { team: 'blue' } })
    await clock.advance(MINUTE_MS + SECOND_MS)
    const [event] = ingress.stored
    expect(Object.fromEntries(event?.attributes ?? [])).toEqual({
      ...{ specversion: '1.0', type: 'dev.knative.sources.ping', id: 'u1/2026-01-01T00:01:00Z', team: 'blue' },
      ...{ source: '/apis/v1/namespaces/shop/pingsources/ping', time: '2026-01-01T00:01:00Z' },
      datacontenttype: 'application/json',
    })
    expect(Buffer.from(event?.data ?? []).toString()).toBe('{"hello":"world"}')
  })

  test('SRC-02: has the bytes of dataBase64, or no data and no type of any', async () => {
    for (const [data, expected] of [
      [{ base64: '/wA=' }, Buffer.from([255, 0])],
      [undefined, undefined],
    ] as const) {
      const { clock, desk, ingress, start } = bench()
      await using _ = start()
      const { data: _data, contentType: _type, ...row } = ROW
      await desk.put({ ...row, ...(data && { data }) })
      await clock.advance(MINUTE_MS + SECOND_MS)
      expect(ingress.stored[0]?.data && Buffer.from(ingress.stored[0].data)).toEqual(expected)
      expect(ingress.stored[0]?.attributes.has('datacontenttype')).toBe(false)
    }
  })

  test('comes within half a second of its time, always as late', async () => {
    const { clock, desk, ingress, start } = bench()
    const at: number[] = []
    ingress.respond = () => {
      at.push(clock.now())
      return 202
    }
    await using _ = start()
    await desk.put(ROW)
    await clock.advance(10 * MINUTE_MS)
    const late = new Set(at.map((time) => time % MINUTE_MS))
    expect(late.size).toBe(1)
    expect(Math.max(...late)).toBeLessThan(500)
  })

  test('is not left to the next one where its time comes while the clock is being looked at', async () => {
    const { clock, desk, ingress, start } = bench()
    let lastRead = 0
    // As a timer that ends just before the clock on the wall gets there
    const slow: Clock = {
      now: () => {
        const early = lastRead === clock.now() ? 0 : 1
        lastRead = clock.now()
        return lastRead - early
      },
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => clock.after(ms, callback),
    }
    const late: number[] = []
    ingress.respond = () => {
      late.push(clock.now() % (10 * SECOND_MS))
      return 202
    }
    await using _ = start(slow)
    await desk.put({ ...ROW, schedule: '*/10 * * * * *' })
    await clock.advance(10 * MINUTE_MS + SECOND_MS)
    expect(ingress.stored).toHaveLength(61)
    expect(Math.max(...late)).toBeLessThan(500)
  })

  test('comes once for each minute of a day, in order', async () => {
    const { clock, desk, start, times } = bench()
    await using _ = start()
    await desk.put(ROW)
    await clock.advance(DAY_MS)
    const expected = Array.from({ length: 1_439 }, (_, i) => new Date(clock.now() - DAY_MS + (i + 1) * MINUTE_MS))
    expect(times()).toEqual(expected.map((date) => `${date.toISOString().slice(0, 19)}Z`))
  })

  test('comes by the clocks of its zone over ten years, 29 February only where there is one', async () => {
    const { clock, desk, start, times } = bench({ napMs: 30 * DAY_MS })
    await using _ = start()
    await desk.put({ ...ROW, schedule: '30 12 29 2 *', timezone: 'Europe/Berlin' })
    await clock.advance(3_653 * DAY_MS)
    expect(times()).toEqual(['2028-02-29T11:30:00Z', '2032-02-29T11:30:00Z'])
  })
})

describe('an outage', () => {
  test.each([503, 'unreachable' as const])('of an hour (%s) loses no tick and repeats none', async (answer) => {
    const { clock, desk, ingress, start, minutes, telemetry } = bench()
    await using _ = start()
    await desk.put(ROW)
    await clock.advance(90 * SECOND_MS)
    ingress.respond = () => answer
    await clock.advance(HOUR_MS)
    expect(minutes()).toEqual(['00:01'])
    expect(telemetry.read('source_waiting_seconds')).toBeGreaterThan(3_000)
    ingress.respond = () => 202
    await clock.advance(MINUTE_MS)
    expect(minutes()).toEqual(
      Array.from({ length: 62 }, (_, i) => `0${i < 59 ? 0 : 1}:${String((i + 1) % 60).padStart(2, '0')}`),
    )
  })

  test('that goes on over a restart, and over one that dies, loses none', async () => {
    for (const isKilled of [false, true]) {
      const { clock, desk, ingress, start, minutes } = bench()
      const first = start()
      await desk.put(ROW)
      ingress.respond = () => 'unreachable'
      await clock.advance(10 * MINUTE_MS)
      if (isKilled) await withoutItsLastWords(desk, first)
      else await first[Symbol.asyncDispose]()
      await clock.advance(40 * SECOND_MS)
      ingress.respond = () => 202
      await using _ = start()
      await clock.advance(MINUTE_MS)
      expect([isKilled, minutes()]).toEqual([
        isKilled,
        Array.from({ length: 11 }, (_, i) => `00:${String(i + 1).padStart(2, '0')}`),
      ])
    }
  })

  test('within which nobody ran it twice, and which outlives several kills, brings what somebody ran and nothing else', async () => {
    const { clock, desk, ingress, start, minutes, telemetry } = bench()
    ingress.respond = () => 'unreachable'
    const runFor = async (ms: number) => {
      const replica = start()
      await clock.advance(ms)
      await withoutItsLastWords(desk, replica)
    }
    await desk.put(ROW)
    await runFor(3 * MINUTE_MS + 10 * SECOND_MS)
    await clock.advance(10 * MINUTE_MS)
    await runFor(2 * MINUTE_MS)
    await runFor(2 * SECOND_MS)
    await clock.advance(10 * MINUTE_MS)
    await runFor(2 * SECOND_MS)
    expect(telemetry.read('source_ticks_skipped_total')).toBe(16)
    ingress.respond = () => 202
    await using _ = start()
    await clock.advance(2 * MINUTE_MS)
    // 00:03:10 to 00:13:10 and 00:15:12 to 00:25:12 nobody was there, but for a minute at each end
    expect(minutes()).toEqual([
      '00:01',
      '00:02',
      '00:03',
      '00:04',
      '00:13',
      '00:14',
      '00:15',
      '00:16',
      '00:25',
      '00:26',
      '00:27',
    ])
  })

  test('in which each replica is killed after seconds is one that somebody sees', async () => {
    const { clock, desk, ingress, start, minutes } = bench()
    ingress.respond = () => 'unreachable'
    await desk.put(ROW)
    for (let second = 0; second < 600; second += 20) {
      const replica = start()
      await clock.advance(20 * SECOND_MS)
      await withoutItsLastWords(desk, replica)
    }
    ingress.respond = () => 202
    await using _ = start()
    await clock.advance(30 * SECOND_MS)
    expect(minutes()).toEqual(Array.from({ length: 10 }, (_, i) => `00:${String(i + 1).padStart(2, '0')}`))
  })

  test('an event that is refused for good is left, and the next one comes', async () => {
    const { clock, desk, ingress, start, minutes } = bench()
    ingress.respond = ({ n }) => (n === 1 ? 413 : 202)
    await using _ = start()
    await desk.put(ROW)
    await clock.advance(2 * MINUTE_MS + SECOND_MS)
    expect(minutes()).toEqual(['00:02'])
  })
})

describe('ticks that nobody ran', () => {
  const stopped = async (missed: PingSourceRow['missedTicks'], awayMs: number) => {
    const all = bench()
    const first = all.start()
    await all.desk.put({ ...ROW, schedule: '*/10 * * * *', missedTicks: missed })
    await all.clock.advance(12 * MINUTE_MS)
    await first[Symbol.asyncDispose]()
    await all.clock.advance(awayMs)
    await using _ = all.start()
    await all.clock.advance(10 * MINUTE_MS)
    return all
  }

  test('are left out, counted and logged: none', async () => {
    const { minutes, telemetry } = await stopped('skip', HOUR_MS)
    expect(minutes()).toEqual(['00:10', '01:20'])
    expect(telemetry.read('source_ticks_skipped_total')).toBe(6)
  })

  test('are made up for by the latest: last', async () => {
    expect((await stopped('once', HOUR_MS)).minutes()).toEqual(['00:10', '01:10', '01:20'])
  })

  test('are all made up for: all', async () => {
    expect((await stopped('all', HOUR_MS)).minutes()).toEqual([
      ...['00:10', '00:20', '00:30', '00:40', '00:50', '01:00', '01:10', '01:20'],
    ])
  })

  test('are at most a thousand, the newest', async () => {
    const { minutes, telemetry } = await stopped('all', 10 * DAY_MS)
    expect(minutes()).toHaveLength(1_002)
    expect(telemetry.read('source_ticks_skipped_total')).toBe(440)
  })

  test('for less than a minute are run: that is a restart, not an absence', async () => {
    const all = bench()
    const first = all.start()
    await all.desk.put(ROW)
    await all.clock.advance(100 * SECOND_MS)
    await withoutItsLastWords(all.desk, first)
    await all.clock.advance(55 * SECOND_MS)
    await using _ = all.start()
    await all.clock.advance(MINUTE_MS)
    expect(all.minutes()).toEqual(['00:01', '00:02', '00:03'])
  })
})

describe('two replicas', () => {
  test('hand a source over twenty times during an outage that comes and goes: no tick is missing, a repeat is the same event', async () => {
    const { clock, desk, ingress, start } = bench()
    await using _a = start()
    await using _b = start()
    await desk.put({ ...ROW, schedule: '*/10 * * * * *' })
    for (let i = 0; i < 20; i++) {
      ingress.respond = () => (i % 3 === 0 ? 'unreachable' : i % 3 === 1 ? 'hang' : 202)
      await clock.advance(37 * SECOND_MS)
      await desk.handOver('u1')
    }
    ingress.respond = () => 202
    await clock.advance(60 * SECOND_MS)
    const byId = Map.groupBy(ingress.stored, ({ attributes }) => String(attributes.get('id')))
    const ticks = Array.from({ length: 79 }, (_, i) => new Date(Date.UTC(2026, 0, 1, 0, 0, (i + 1) * 10)).toISOString())
    expect([...byId.keys()]).toEqual(ticks.map((at) => `u1/${at.slice(0, 19)}Z`))
    expect(ingress.requests.length).toBeGreaterThan(ingress.stored.length)
    const bytes = (event: (typeof ingress.stored)[number]) => JSON.stringify([...event.attributes])
    for (const events of byId.values()) expect(new Set(events.map(bytes)).size).toBe(1)
  })

  test('that both believe to have it send the same events, and the former one stops at its first word', async () => {
    const { clock, desk, ingress, start, telemetry } = bench()
    await using _a = start()
    await using _b = start()
    await desk.put(ROW)
    await clock.advance(90 * SECOND_MS)
    await desk.split('u1')
    await clock.advance(5 * MINUTE_MS)
    const ids = ingress.stored.map(({ attributes }) => attributes.get('id'))
    expect(new Set(ids).size).toBe(6)
    expect(ids).toHaveLength(7)
    expect(telemetry.lines.some(({ message }) => message.startsWith('another replica has the source'))).toBe(true)
  })

  test('the one that has it goes on while the server is away', async () => {
    const { clock, desk, start, minutes } = bench()
    await using _ = start()
    await desk.put(ROW)
    await clock.advance(90 * SECOND_MS)
    desk.isAway = true
    await clock.advance(5 * MINUTE_MS)
    desk.isAway = false
    await clock.advance(MINUTE_MS)
    expect(minutes()).toEqual(['00:01', '00:02', '00:03', '00:04', '00:05', '00:06', '00:07'])
    expect(JSON.parse(desk.state('u1').get('progress') ?? '{}')).toMatchObject({ done: Date.UTC(2026, 0, 1, 0, 7) })
  })
})

test('what could not be written down is written once the server is back, not with the next tick only', async () => {
  const { clock, desk, start } = bench()
  await using _ = start()
  await desk.put({ ...ROW, schedule: '0 0 * * *' })
  await clock.advance(SECOND_MS)
  desk.isAway = true
  await clock.advance(DAY_MS)
  desk.isAway = false
  await clock.advance(MINUTE_MS)
  expect(JSON.parse(desk.state('u1').get('progress') ?? '{}')).toMatchObject({ done: Date.UTC(2026, 0, 2) })
})

test('a server that never answers holds up no tick', async () => {
  const { clock, desk, ingress, telemetry, minutes } = bench()
  const replica = desk.replica()
  let isStuck = false
  await using _ = runSources({
    ...{ clock, telemetry, sender: ingress.sender, random: () => 0, desk: replica },
    hold(source) {
      const put: typeof source.state.put = (changes) => (isStuck ? new Promise(() => {}) : source.state.put(changes))
      return pingSource({ telemetry })({ ...source, state: { ...source.state, put } })
    },
  })
  await desk.put({ ...ROW, schedule: '* * * * * *' })
  await clock.advance(10 * SECOND_MS)
  isStuck = true
  await clock.advance(50 * SECOND_MS)
  expect(minutes()).toHaveLength(59)
})

describe('an edit', () => {
  test('of the data changes the next tick and none twice', async () => {
    const { clock, desk, ingress, start, minutes } = bench()
    await using _ = start()
    await desk.put(ROW)
    await clock.advance(90 * SECOND_MS)
    await desk.put({ ...ROW, data: { text: '{"new":true}' } })
    await clock.advance(MINUTE_MS)
    expect(minutes()).toEqual(['00:01', '00:02'])
    expect(Buffer.from(ingress.stored[1]?.data ?? []).toString()).toBe('{"new":true}')
  })

  test('of the schedule makes up for nothing of the new one, and loses nothing that waits of the old', async () => {
    const { clock, desk, ingress, start, minutes } = bench()
    await using _ = start()
    await desk.put(ROW)
    ingress.respond = () => 'unreachable'
    await clock.advance(3 * MINUTE_MS + 2 * SECOND_MS)
    await desk.put({ ...ROW, schedule: '*/5 * * * *', missedTicks: 'all' })
    ingress.respond = () => 202
    await clock.advance(7 * MINUTE_MS + 30 * SECOND_MS)
    expect(minutes()).toEqual(['00:01', '00:02', '00:03', '00:05', '00:10'])
  })
})

describe('a clock that is set', () => {
  test('ahead: what was passed over is nobody’s, and it goes on from there', async () => {
    const { clock, desk, start, minutes } = bench()
    let shiftMs = 0
    const shifted: Clock = {
      now: () => clock.now() + shiftMs,
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => clock.after(ms, callback),
    }
    await using _ = start(shifted)
    await desk.put(ROW)
    await clock.advance(90 * SECOND_MS)
    shiftMs = 2 * HOUR_MS
    await clock.advance(MINUTE_MS)
    expect(minutes()).toEqual(['00:01', '00:02', '02:01', '02:02'])
  })

  test('back a little: no tick comes twice; back by hours: it begins anew', async () => {
    const { clock, desk, start, minutes } = bench()
    let shiftMs = 0
    const shifted: Clock = {
      now: () => clock.now() + shiftMs,
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => clock.after(ms, callback),
    }
    await using _ = start(shifted)
    await desk.put(ROW)
    await clock.advance(3 * MINUTE_MS + 30 * SECOND_MS)
    shiftMs = -2 * MINUTE_MS
    await clock.advance(3 * MINUTE_MS)
    expect(minutes()).toEqual(['00:01', '00:02', '00:03', '00:04'])
    shiftMs = -3 * HOUR_MS
    await clock.advance(2 * MINUTE_MS)
    expect(minutes().slice(4)).toEqual(['21:07', '21:08'])
  })
})

test('a schedule that is never due says so in the log, one that is none in the status', async () => {
  const { clock, desk, start, telemetry } = bench()
  await using _ = start()
  await desk.put({ ...ROW, schedule: '0 0 30 2 *' })
  await clock.advance(SECOND_MS)
  expect(telemetry.lines.some(({ message }) => message === 'the schedule of a source is never due')).toBe(true)
  await desk.put({ ...ROW, uid: 'u2', schedule: 'every day' })
  await clock.advance(SECOND_MS)
  expect(desk.reports('u2').at(-1)?.conditions.Deployed).toMatchObject({ status: 'False' })
})

/** As a kill would: it writes nothing any more, then is gone. */
async function withoutItsLastWords(desk: FakeDesk<PingSourceRow>, sources: AsyncDisposable): Promise<void> {
  desk.isAway = true
  await sources[Symbol.asyncDispose]()
  desk.isAway = false
}

import { describe, expect, test } from '@jest/globals'
import { EventingError } from '@sluice/errors'
import { settle } from '@sluice/testkit'
import { bench, eventOf, ROW } from '../test/bench.ts'
import { type HoldingSource, runSources } from './run-sources.ts'

const HOUR_MS = 3_600_000

/** Publishes 1, 2, 3 … for ever, one per second, and writes down how far it came. */
const counting = async ({ outlet, state, signal, clock }: HoldingSource): Promise<AsyncDisposable> => {
  const work = (async () => {
    for (let n = Number((await state.get('n')) ?? 0) + 1; !signal.aborted; n++) {
      const { outcome } = await outlet.publish(eventOf(String(n)), signal)
      if (outcome === 'aborted') return
      await state.put({ n: String(n) })
      await new Promise<void>((resolve) => clock.after(1_000, resolve))
    }
  })().catch(() => undefined)
  return { [Symbol.asyncDispose]: async () => void work }
}

describe('the sources of a service', () => {
  test('an outage of the ingress loses nothing, and the status says so while it lasts', async () => {
    const { clock, desk, ingress, ids, deps } = bench()
    await using _ = runSources({ ...deps, desk: desk.replica(), hold: counting })
    await desk.put(ROW)
    await clock.advance(2_500)
    expect(ids()).toEqual(['1', '2', '3'])
    expect(desk.reports('u1').at(-1)?.conditions).toEqual({
      ...{ Deployed: { status: 'True' }, EventsStored: { status: 'True' } },
    })
    ingress.respond = () => ({ status: 503, body: '{"detail":"no room"}' })
    await clock.advance(HOUR_MS)
    expect(desk.reports('u1').at(-1)?.conditions.EventsStored).toEqual({
      ...{ status: 'False', reason: 'IngressUnavailable', message: 'the ingress answered 503: no room' },
    })
    ingress.respond = () => 202
    await clock.advance(13_000)
    expect(ids().slice(0, 5)).toEqual(['1', '2', '3', '4', '5'])
    expect(desk.reports('u1').at(-1)?.conditions.EventsStored).toEqual({ status: 'True' })
    expect(desk.reports('u1').length).toBeLessThan(6)
  })

  test('a row handed over goes on in the other replica, with the event that was not stored', async () => {
    const { clock, desk, ingress, ids, deps } = bench()
    await using _a = runSources({ ...deps, desk: desk.replica(), hold: counting })
    await using _b = runSources({ ...deps, desk: desk.replica(), hold: counting })
    await desk.put(ROW)
    await clock.advance(1_500)
    ingress.respond = () => 'hang'
    await clock.advance(1_000)
    ingress.respond = () => 202
    await desk.handOver('u1')
    await clock.advance(1_500)
    expect(ids()).toEqual(['1', '2', '3', '4'])
  })

  test('a source that can not start is tried again, and its condition says why', async () => {
    const { clock, desk, deps, telemetry } = bench()
    let tries = 0
    const hold = async () => {
      if (++tries < 4) {
        const detail = { code: 'SOURCE_SECRET_MISSING', source: 'ping', secret: 'token', reason: 'not found' } as const
        throw new EventingError(detail, 'there is no Secret shop/github')
      }
      return { async [Symbol.asyncDispose]() {} }
    }
    await using sources = runSources({ ...deps, desk: desk.replica(), hold })
    await desk.put(ROW)
    await settle()
    expect(desk.reports('u1')).toEqual([
      {
        conditions: {
          Deployed: { status: 'False', reason: 'SourceSecretMissing', message: 'there is no Secret shop/github' },
        },
        facts: {},
      },
    ])
    expect(sources.warning()).toBe('shop/ping: there is no Secret shop/github')
    await clock.advance(500 + 1_000 + 2_000)
    expect(tries).toBe(4)
    expect(desk.reports('u1').at(-1)?.conditions.Deployed).toEqual({ status: 'True' })
    expect(sources.warning()).toBeUndefined()
    expect(telemetry.read('source_rows_held', { kind: 'PingSource' })).toBe(1)
  })

  test('what an unknown error says is in the log, not in the status', async () => {
    const { desk, deps, telemetry } = bench()
    const hold = () => Promise.reject(new TypeError('token s3cret is bad'))
    await using _ = runSources({ ...deps, desk: desk.replica(), hold })
    await desk.put(ROW)
    await settle()
    expect(JSON.stringify(desk.reports('u1'))).not.toContain('s3cret')
    expect(telemetry.lines.some(({ message }) => message === 'source could not be started')).toBe(true)
  })

  test('reports reach a server that was away', async () => {
    const { clock, desk, deps } = bench()
    await using _ = runSources({ ...deps, desk: desk.replica(), hold: counting })
    await desk.put(ROW)
    desk.isAway = true
    await clock.advance(5_000)
    desk.isAway = false
    await clock.advance(31_000)
    expect(desk.reports('u1').at(-1)?.conditions).toMatchObject({ Deployed: { status: 'True' } })
  })

  test('every replica follows, and a change starts it anew', async () => {
    const { desk, deps } = bench()
    const seen: string[] = []
    const follow = async ({ row, signal }: { row: typeof ROW; signal: AbortSignal }) => {
      seen.push(`+${row.hash}`)
      signal.addEventListener('abort', () => seen.push(`-${row.hash}`))
      return { async [Symbol.asyncDispose]() {} }
    }
    const a = runSources({ ...deps, desk: desk.replica(), follow })
    await using _b = runSources({ ...deps, desk: desk.replica(), follow })
    await desk.put({ ...ROW, hash: '1' })
    await desk.put({ ...ROW, hash: '2' })
    expect(seen).toEqual(['+1', '+1', '-1', '+2', '-1', '+2'])
    await a.drain()
    expect(seen.at(-1)).toBe('-2')
    await a[Symbol.asyncDispose]()
  })

  test('draining gives the rows to the others', async () => {
    const { clock, desk, deps, ids, telemetry } = bench()
    const a = runSources({ ...deps, desk: desk.replica(), hold: counting })
    await desk.put(ROW)
    await clock.advance(500)
    await using _b = runSources({ ...deps, desk: desk.replica(), hold: counting })
    await a.drain()
    expect(telemetry.read('source_rows_held')).toBe(1)
    await clock.advance(1_500)
    expect(ids()).toEqual(['1', '2', '3'])
    await a[Symbol.asyncDispose]()
  })
})

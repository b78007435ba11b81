import { expect, test } from '@jest/globals'
import type { SourceReport } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { settle } from '@sluice/testkit'
import { bench, ROW } from '../test/bench.ts'
import { sourceEvents, sourcesTelemetry } from './events.ts'
import { createStatus } from './status.ts'

test('what is set at once is told at once, and what is set while it is told is told next', async () => {
  const { clock, telemetry } = bench()
  const told: SourceReport[] = []
  const { promise: heard, resolve } = Promise.withResolvers<void>()
  const held = {
    async report(report: SourceReport) {
      told.push(report)
      await heard
    },
  }
  const events = sourceEvents(sourcesTelemetry(telemetry), ROW)
  const status = createStatus({ held, clock, events, signal: new AbortController().signal })
  status.condition('Deployed', { status: 'True' })
  status.fact('server', 'a')
  await settle()
  status.fact('server', 'b')
  status.fact('server', undefined)
  status.condition('Deployed', { status: 'True' })
  await settle()
  expect(told).toEqual([{ conditions: { Deployed: { status: 'True' } }, facts: { server: 'a' } }])
  resolve()
  await settle()
  expect(told.slice(1)).toEqual([{ conditions: { Deployed: { status: 'True' } }, facts: {} }])
})

test('what another replica has to say is not said again; the next change is', async () => {
  const { clock, telemetry } = bench()
  let told = 0
  const held = {
    async report() {
      told++
      throw new EventingError({ code: 'SOURCE_NOT_HELD', source: 'ping' }, 'another replica has it')
    },
  }
  const events = sourceEvents(sourcesTelemetry(telemetry), ROW)
  const status = createStatus({ held, clock, events, signal: new AbortController().signal })
  status.condition('Deployed', { status: 'True' })
  await clock.advance(60_000)
  expect(told).toBe(1)
  status.condition('Deployed', { status: 'False' })
  await settle()
  expect(told).toBe(2)
})

test('an event that is refused among others is a note, three in a row are a condition', async () => {
  const { clock, telemetry } = bench()
  const told: SourceReport[] = []
  const held = { report: async (report: SourceReport) => void told.push(report) }
  const events = sourceEvents(sourcesTelemetry(telemetry), ROW)
  const status = createStatus({ held, clock, events, signal: new AbortController().signal })
  const after = async (...steps: readonly ('stored' | 'refused')[]) => {
    for (const step of steps) status[step]('answered 413')
    await settle()
    return told.at(-1)?.conditions.EventsStored
  }
  const note = { reason: 'EventRefused', message: 'an event was refused for good: the ingress answered 413' }
  expect(await after('refused')).toEqual({ status: 'False', ...note })
  expect(await after('stored')).toEqual({ status: 'True', ...note })
  const before = told.length
  expect(await after('refused', 'stored', 'refused', 'refused', 'stored')).toEqual({ status: 'True', ...note })
  expect(told).toHaveLength(before)
  expect(await after('refused', 'refused', 'refused')).toEqual({ status: 'False', ...note })
})

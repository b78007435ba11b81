import { expect, test } from '@jest/globals'
import type { SourceReport } from '@sluice/contract'
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

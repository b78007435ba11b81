import { expect, test } from '@jest/globals'
import type { DeliverySpec } from '@sluice/contract'
import { backoffMs } from './backoff.ts'

function waits(backoffPolicy: DeliverySpec['backoffPolicy'], backoffDelayMs: number, random: number): number[] {
  const spec = { backoffPolicy, backoffDelayMs, retry: 5, timeoutMs: 1 }
  return [0, 1, 2, 3, 4].map((n) => backoffMs(spec, n, () => random))
}

test('RTY-12 exponential waits delay × 2^n, the first time the delay itself', () => {
  expect(waits('exponential', 200, 0)).toEqual([200, 400, 800, 1_600, 3_200])
})

test('RTY-13 linear waits the same delay each time', () => {
  expect(waits('linear', 200, 0)).toEqual([200, 200, 200, 200, 200])
})

test('jitter lengthens a wait by at most a tenth and never shortens it', () => {
  expect(waits('linear', 200, 0.999)).toEqual([220, 220, 220, 220, 220])
  expect(waits('exponential', 1_000, 0.5)).toEqual([1_050, 2_100, 4_200, 8_400, 16_800])
})

test('no wait is longer than a day, however many retries there were', () => {
  const spec = { backoffPolicy: 'exponential', backoffDelayMs: 200, retry: 5_000, timeoutMs: 1 } as const
  for (const n of [30, 52, 63, 1_023, 1_024, 5_000]) expect(backoffMs(spec, n, () => 0.9)).toBe(86_400_000)
})

test('no delay is no wait', () => {
  expect(waits('exponential', 0, 0.9)).toEqual([0, 0, 0, 0, 0])
})

test('backoffMax is the longest wait, jitter included, and shorter ones stay as they are', () => {
  const spec = {
    backoffPolicy: 'exponential',
    backoffDelayMs: 200,
    backoffMaxMs: 1_000,
    retry: 5,
    timeoutMs: 1,
  } as const
  expect([0, 1, 2, 3, 4].map((n) => backoffMs(spec, n, () => 0.5))).toEqual([210, 420, 840, 1_000, 1_000])
})

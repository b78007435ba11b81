import { describe, expect, test } from '@jest/globals'
import type { DeliveryRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { VirtualClock } from '@sluice/testkit'
import { deliveryRow, fakeDriver, LOG } from '../test/fakes.ts'
import { type BacklogGate, openBacklogGate } from './backlog-gate.ts'

function open(deliveries: DeliveryRow[]) {
  const clock = new VirtualClock()
  const driver = fakeDriver()
  const said: string[] = []
  const events = {
    gateClosed: (_row: unknown, full: string) => void said.push(`closed: ${full}`),
    gateOpened: () => void said.push('opened'),
    gateBlind: () => void said.push('blind'),
  }
  const rows = { log: () => LOG, deliveries: () => deliveries }
  const gate = openBacklogGate({ ...rows, driver, clock, events, intervalMs: 250 })
  return { gate, clock, driver, said, deliveries }
}

const passes = (gate: BacklogGate) => {
  try {
    gate.check()
    return true
  } catch (error) {
    expect(error).toMatchObject({ detail: { code: 'BACKLOG_FULL', broker: 'shop/orders' } })
    return (error as Error).message
  }
}

describe('the backlog gate', () => {
  test('looks only while events come', async () => {
    const { gate, clock, driver } = open([deliveryRow('a', 100)])
    await clock.advance(1000)
    expect(driver.asked).toEqual([])
    gate.check()
    await clock.advance(2000)
    expect(driver.asked).toEqual([LOG.channel, LOG.queues])
    expect(clock.pending).toBe(0)
  })

  test('asks single queues only when all together reach the smallest bound', async () => {
    const { gate, clock, driver } = open([deliveryRow('a', 100), deliveryRow('b', 50), deliveryRow('c', 1000)])
    driver.bytes.set(LOG.queues, 49)
    gate.check()
    await clock.advance(250)
    expect(driver.asked).toEqual([LOG.channel, LOG.queues])
    driver.bytes.set(LOG.queues, 60)
    gate.check()
    await clock.advance(250)
    expect(driver.asked.slice(2)).toEqual([LOG.channel, LOG.queues, `${LOG.queues}/b`])
    expect(passes(gate)).toBe(true)
  })

  test('names the trigger whose backlog is full, and opens by itself once it is worked off', async () => {
    const { gate, clock, driver, said } = open([deliveryRow('a', 1000), deliveryRow('b', 50)])
    driver.bytes.set(LOG.queues, 60)
    driver.bytes.set(`${LOG.queues}/b`, 50)
    expect(passes(gate)).toBe(true)
    await clock.advance(250)
    expect(passes(gate)).toMatch(/trigger shop\/b/)
    await clock.advance(5000)
    expect(passes(gate)).toMatch(/trigger shop\/b/)
    driver.bytes.set(`${LOG.queues}/b`, 49)
    await clock.advance(250)
    expect(passes(gate)).toBe(true)
    expect(said).toEqual(['closed: trigger shop/b', 'opened'])
  })

  test('bounds what no filter has judged by the largest bound', async () => {
    const { gate, clock, driver } = open([deliveryRow('a', 100), deliveryRow('b', 50)])
    driver.bytes.set(LOG.channel, 99)
    gate.check()
    await clock.advance(250)
    expect(passes(gate)).toBe(true)
    driver.bytes.set(LOG.channel, 100)
    await clock.advance(250)
    expect(passes(gate)).toMatch(/no trigger has judged/)
  })

  test('a broker without triggers is bounded by what its retention keeps', async () => {
    const { gate, clock, driver } = open([])
    driver.bytes.set(LOG.channel, LOG.retention.maxBytes)
    gate.check()
    await clock.advance(250)
    expect(passes(gate)).toMatch(/shop\/orders/)
  })

  test('a deleted trigger holds back nobody any more', async () => {
    const { gate, clock, driver, deliveries } = open([deliveryRow('a', 50)])
    driver.bytes.set(LOG.queues, 60).set(`${LOG.queues}/a`, 60)
    gate.check()
    await clock.advance(250)
    expect(passes(gate)).toMatch(/trigger/)
    deliveries.length = 0
    await clock.advance(250)
    expect(passes(gate)).toBe(true)
  })

  test('a look that fails changes nothing; that is said once until one works again, which counts', async () => {
    const { gate, clock, driver, said } = open([deliveryRow('a', 50)])
    const { backlog } = driver
    driver.backlog = async () => {
      throw new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'fake', reason: 'away' }, 'away')
    }
    for (let look = 0; look < 3; look++) {
      expect(passes(gate)).toBe(true)
      await clock.advance(250)
    }
    expect(passes(gate)).toBe(true)
    driver.backlog = backlog
    driver.bytes.set(LOG.queues, 60).set(`${LOG.queues}/a`, 60)
    await clock.advance(250)
    expect(passes(gate)).toMatch(/trigger/)
    expect(said).toEqual(['blind', 'closed: trigger shop/a'])
  })

  test('leaves no timer behind', () => {
    const { gate, clock } = open([])
    gate.check()
    gate[Symbol.dispose]()
    expect(clock.pending).toBe(0)
  })
})

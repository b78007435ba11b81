import { expect } from '@jest/globals'
import type { Delivery, Entry, Envelope } from '../port.ts'
import { about, type Case } from './case.ts'
import { ack, type Handle, hold } from './consumer.ts'
import { ODD_ENTRIES } from './samples.ts'

/** What has to be the same everywhere; headers that are none and headers that are empty are the same. */
function faceOf({ event, headers = {}, stamp, laneKey }: Envelope) {
  const data = event.data === undefined ? undefined : Buffer.from(event.data).toString('base64')
  return { attributes: [...event.attributes], data, dataKind: event.dataKind, headers: { ...headers }, stamp, laneKey }
}

/** Sorted by id, so that what came again in another order can be compared. */
function seen(entries: readonly (Envelope & { dedupKey?: string | undefined })[], hasKeys = true) {
  const faces = entries.map((entry) => ({ ...faceOf(entry), dedupKey: hasKeys ? entry.dedupKey : undefined }))
  return faces.sort((a, b) => orderOf(a) - orderOf(b))
}

function orderOf({ attributes }: ReturnType<typeof faceOf>): number {
  return Number.parseInt(String(attributes.find(([name]) => name === 'id')?.[1]), 10)
}

const expected = seen(ODD_ENTRIES)
const faces = seen(ODD_ENTRIES, false)
const COUNT = ODD_ENTRIES.length

async function takeAll(it: Case, channel: string, each: Handle = hold): Promise<Delivery[]> {
  const consumer = it.consume(channel, { each })
  await consumer.until(COUNT)
  await consumer.ended()
  return consumer.deliveries.slice(0, COUNT)
}

function entries(queue: string | undefined): readonly Entry[] {
  return queue === undefined ? ODD_ENTRIES : ODD_ENTRIES.map((entry) => ({ ...entry, queue }))
}

export const handOutClaims = about('hands out exactly what was published', ({ claim }) => {
  claim('from a log, and reads it', async (it) => {
    const log = await it.log({ lanes: 1 })
    await it.publish(log, entries(undefined))
    expect(seen(await takeAll(it, log))).toEqual(expected)
    expect(seen(await it.read(log), false)).toEqual(faces)
  })

  claim('to a consumer that was there first', async (it) => {
    const log = await it.log({ lanes: 1 })
    const consumer = it.consume(log)
    await it.publish(log, entries(undefined))
    await consumer.until(COUNT)
    expect(seen(consumer.deliveries)).toEqual(expected)
  })

  claim('from a queue, and reads it', async (it) => {
    const queue = await it.queue({ lanes: 1 })
    await it.publish(queue, entries('q "1"\u{1f30a}'))
    const deliveries = await takeAll(it, queue)
    expect(seen(deliveries)).toEqual(expected)
    expect(new Set(deliveries.map((delivery) => delivery.queue))).toEqual(new Set(['q "1"\u{1f30a}']))
    expect(seen(await it.read(queue), false)).toEqual(faces)
  })

  claim('with where and when it was stored', async (it) => {
    const before = it.now()
    const log = await it.log({ lanes: 1 })
    const [position] = await it.publish(log, entries(undefined))
    const after = it.now()
    const [delivery] = await takeAll(it, log)
    expect(delivery).toMatchObject({ position, queue: '', attempt: 1, handOuts: 1, note: undefined, lane: 0 })
    expect(delivery?.storedAt).toBeGreaterThanOrEqual(before - 1_000)
    expect(delivery?.storedAt).toBeLessThanOrEqual(after + 1_000)
  })

  claim('again after it was moved aside, from a log or a queue', async (it) => {
    for (const [channel, queue] of [[await it.log({ lanes: 1 })], [await it.queue({ lanes: 1 }), 'q']] as const) {
      await it.publish(channel, entries(queue))
      const consumer = it.consume(channel, {
        each: (delivery) => (delivery.attempt === 1 ? delivery.nack(0, 'again') : delivery.ack()),
      })
      const retried = () => consumer.deliveries.filter(({ attempt }) => attempt === 2)
      await consumer.until(() => retried().length === COUNT)
      expect(seen(retried())).toEqual(expected)
      const placeOf = ({ position, storedAt, lane }: Delivery) => [position, storedAt, lane].join()
      const first = consumer.deliveries.filter(({ attempt }) => attempt === 1)
      expect(retried().map(placeOf).sort()).toEqual(first.map(placeOf).sort())
    }
  })

  claim('as parked, and when it is redriven', async (it) => {
    for (const [channel, queue] of [[await it.log({ lanes: 1 })], [await it.queue({ lanes: 1 }), 'q']] as const) {
      const published = it.now()
      await it.publish(channel, entries(queue))
      const consumer = it.consume(channel, { each: (delivery) => delivery.park('why') })
      await consumer.until(COUNT)
      await consumer.ended()
      const parked = await it.parked(channel)
      expect(seen(parked, false)).toEqual(faces)
      for (const { reason, storedAt, parkedAt } of parked) {
        expect(reason).toBe('why')
        expect(storedAt).toBeGreaterThanOrEqual(published - 1_000)
        expect(parkedAt).toBeGreaterThanOrEqual(storedAt)
      }
      consumer.each = ack
      const positions = parked.map(({ position }) => position)
      expect(await it.driver.redrive(channel, positions)).toBe(COUNT)
      await consumer.until(2 * COUNT)
      expect(seen(consumer.deliveries.slice(COUNT))).toEqual(expected)
    }
  })

  claim(
    'after a restart, moved aside or not',
    async (it) => {
      const log = await it.log({ lanes: 1 })
      const queue = await it.queue({ lanes: 1 })
      await it.publish(log, entries(undefined))
      await it.publish(queue, entries('q'))
      await takeAll(it, log)
      await it.restart()
      for (const channel of [log, queue]) {
        const deliveries = await takeAll(it, channel)
        expect(seen(deliveries)).toEqual(expected)
        expect(deliveries.every(({ attempt, handOuts }) => attempt === 1 && handOuts === 1)).toBe(true)
      }
      await it.restart()
      for (const channel of [log, queue]) {
        const deliveries = await takeAll(it, channel, (delivery) => delivery.nack(60_000, 'later'))
        expect(seen(deliveries)).toEqual(expected)
      }
    },
    'persistent storage',
  )

  claim(
    'after a crash with all of it in flight',
    async (it) => {
      const log = await it.log({ lanes: 1 })
      const queue = await it.queue({ lanes: 1 })
      await it.publish(log, entries(undefined))
      await it.publish(queue, entries('q'))
      for (const channel of [log, queue]) await takeAll(it, channel)
      await it.crash()
      for (const channel of [log, queue]) await takeAll(it, channel)
      await it.crash()
      for (const channel of [log, queue]) {
        const consumer = it.consume(channel, { each: ack })
        await consumer.until(COUNT)
        expect(seen(consumer.deliveries)).toEqual(expected)
      }
    },
    'crash',
  )
})

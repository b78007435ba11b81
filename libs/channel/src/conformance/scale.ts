import { expect } from '@jest/globals'
import type { CloudEvent } from '@sluice/cloudevents'
import { about } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf } from './samples.ts'

const QUEUES = 10_000
const HOUR_MS = 3_600_000
/** What a driver promises to keep room for. */
const NOTE = 'n'.repeat(4_096)
/** Late by no more than this, on a machine that does other things too. */
const LATE_MS = 1_000
const EARLY_MS = 10

export const scaleClaims = about('holds up', ({ claim }) => {
  claim('with the largest event, not UTF-8, through a log, aside, a queue, and parked', async (it) => {
    const { maxEventBytes } = it.driver.capabilities
    const data = Buffer.alloc(Math.min(maxEventBytes, 2 ** 23) - 4_096, Buffer.from([0xff, 0, 0xc3, 0x28]))
    const large = { ...entryOf('large').event, data }
    const isWhole = (event: CloudEvent | undefined) => Buffer.compare(Buffer.from(event?.data ?? []), data) === 0
    for (const channel of [await it.log(), await it.queue()]) {
      await it.publish(channel, [entryOf('large', { event: large, queue: 'q' })])
      const consumer = it.consume(channel, {
        each: (delivery) => (delivery.attempt === 1 ? delivery.nack(0, NOTE) : delivery.park('why', NOTE)),
      })
      await consumer.until(2)
      await consumer.ended()
      const [parked] = await it.parked(channel)
      expect([...consumer.deliveries.map(({ event }) => isWhole(event)), isWhole(parked?.event)]).toEqual(
        Array(3).fill(true),
      )
      expect([consumer.deliveries[1]?.note, parked?.note]).toEqual([NOTE, NOTE])
      consumer.each = ack
      await it.driver.redrive(channel, [parked?.position as string])
      await consumer.until(3)
      expect(isWhole(consumer.deliveries[2]?.event)).toBe(true)
    }
    const queue = await it.queue()
    const consumer = it.consume(queue)
    await it.publish(queue, [entryOf('tried', { event: large, queue: 'q', attempt: 3, note: NOTE })])
    await consumer.until(1)
    expect([isWhole(consumer.deliveries[0]?.event), consumer.deliveries[0]?.note]).toEqual([true, NOTE])
  })

  claim(`with ${QUEUES.toLocaleString('en')} queues, of which a hundred are dead`, async (it) => {
    const queue = await it.queue({ lanes: 8 })
    const isDead = (name: string) => Number(name.slice(1)) % 100 === 0
    const entries = entriesOf(2 * QUEUES, (i) => ({ queue: `q${i % QUEUES}` }))
    const consumer = it.consume(queue, {
      maxInFlight: 256,
      window: () => 4,
      each: (delivery) => (isDead(delivery.queue) ? delivery.nack(HOUR_MS, 'dead') : delivery.ack()),
    })
    for (let i = 0; i < entries.length; i += 1_000) await it.publish(queue, entries.slice(i, i + 1_000))
    await consumer.until(entries.length)
    await consumer.ended()
    expect(new Set(consumer.ids).size).toBe(entries.length)
    expect((await it.backlog(queue)).events).toBe(200)
    expect((await it.backlog(queue, 'q100')).events).toBe(2)
    expect((await it.backlog(queue, 'q101')).events).toBe(0)
  })

  claim('with a queue that fails beside one that is fast', async (it) => {
    const queue = await it.queue()
    const consumer = it.consume(queue, {
      maxInFlight: 50,
      window: () => 10,
      each: (delivery) => (delivery.queue === 'fails' ? delivery.nack(20, 'again') : ack(delivery)),
    })
    for (let i = 0; i < 20; i++) {
      await it.publish(
        queue,
        entriesOf(50, (j) => ({ queue: j % 2 ? 'fails' : 'fast' })),
      )
    }
    const fast = () => consumer.deliveries.filter((delivery) => delivery.queue === 'fast')
    await consumer.until(() => fast().length === 500)
    expect((await it.backlog(queue, 'fails')).events).toBe(500)
    consumer.each = ack
    await consumer.until(() => {
      const failing = consumer.deliveries.filter((delivery) => delivery.queue === 'fails')
      return new Set(failing.map(({ position }) => position)).size === 500
    })
  })

  claim('with delays, to the second', async (it) => {
    const due = new Map<string, number>()
    const queue = await it.queue()
    const consumer = it.consume(queue, {
      each: (delivery) => {
        if (delivery.attempt > 1) return ack(delivery)
        const delayMs = 200 + Number(idOf(delivery)) * 10
        due.set(idOf(delivery), it.now() + delayMs)
        return delivery.nack(delayMs)
      },
    })
    const late: number[] = []
    const first = consumer.each
    consumer.each = (delivery) => {
      if (delivery.attempt > 1) late.push(it.now() - (due.get(idOf(delivery)) as number))
      return first(delivery)
    }
    await it.publish(
      queue,
      entriesOf(100, (i) => ({ queue: `q${i % 7}` })),
    )
    await consumer.until(200)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(-EARLY_MS)
    expect(Math.max(...late)).toBeLessThanOrEqual(LATE_MS)
  })

  claim(
    'with attempts that outlive a crash, while hand-outs are no attempts',
    async (it) => {
      for (const channel of [await it.log(), await it.queue()]) {
        await it.publish(channel, [entryOf(1, { queue: 'q' })])
        const consumer = it.consume(channel, {
          each: (delivery) => (delivery.attempt < 4 ? delivery.nack(0, `failed ${delivery.attempt}`) : undefined),
        })
        await consumer.until(4)
        for (let crash = 0; crash < 2; crash++) {
          await it.crash()
          const again = it.consume(channel, { each: hold })
          await again.until(1)
          expect(again.deliveries[0]).toMatchObject({ attempt: 4, note: 'failed 3' })
        }
      }
    },
    'crash',
  )
})

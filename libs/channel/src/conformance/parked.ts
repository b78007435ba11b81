import { expect } from '@jest/globals'
import type { Parked } from '../port.ts'
import { about, type Case } from './case.ts'
import { hold, idOf } from './consumer.ts'
import { entriesOf, entryOf } from './samples.ts'

async function park(it: Case, channel: string, queue: string, count: number): Promise<void> {
  const entries = entriesOf(count, (i) => ({ queue, parked: `reason ${i}`, note: `note ${i}`, attempt: i + 1 }))
  await it.publish(channel, entries)
}

export const parkedClaims = about('keeps parked entries', ({ claim }) => {
  claim('oldest first, by queue, page by page', async (it) => {
    const queue = await it.queue()
    await park(it, queue, 'a', 7)
    await park(it, queue, 'b', 3)
    expect(await it.parked(queue)).toHaveLength(10)
    expect((await it.parked(queue, 'b')).map(({ reason }) => reason)).toEqual(['reason 0', 'reason 1', 'reason 2'])
    expect(await it.parked(queue, 'none')).toEqual([])
    const paged: Parked[] = []
    for (let page = 0; page < 5; page++) {
      const after = paged.at(-1)?.cursor
      const query = { queue: 'a', limit: 3, ...(after === undefined ? {} : { after }) }
      paged.push(...(await it.driver.parked(queue, query)))
    }
    expect(paged.map(({ reason, note, attempt }) => `${reason}, ${note}, ${attempt}`)).toEqual(
      Array.from({ length: 7 }, (_, i) => `reason ${i}, note ${i}, ${i + 1}`),
    )
    expect(paged.map(idOf)).toEqual(Array.from({ length: 7 }, (_, i) => String(i)))
  })

  claim('page by page, while those that were listed go', async (it) => {
    const queue = await it.queue()
    await park(it, queue, 'a', 6)
    const first = await it.driver.parked(queue, { queue: 'a', limit: 3 })
    await it.driver.purge(queue, { positions: first.map(({ position }) => position) })
    const after = first.at(-1)?.cursor as string
    expect((await it.driver.parked(queue, { queue: 'a', after, limit: 9 })).map(idOf)).toEqual(['3', '4', '5'])
  })

  claim('to be found by their positions and counted, in all or by queue', async (it) => {
    const queue = await it.queue()
    await park(it, queue, 'a', 4)
    await park(it, queue, 'b', 2)
    const [, second, third] = await it.parked(queue)
    const positions = [third?.position as string, second?.position as string]
    const found = await it.driver.parked(queue, { positions })
    expect(found.map(({ reason }) => reason).sort()).toEqual(['reason 1', 'reason 2'])
    expect(found).toEqual(expect.arrayContaining([second, third]))
    expect(await it.driver.parked(queue, { positions: ['no such position'] })).toEqual([])
    const counts = () => Promise.all([undefined, 'a', 'c'].map((each) => it.driver.parkedCount(queue, each)))
    expect(await counts()).toEqual([6, 4, 0])
    await it.driver.redrive(queue, positions)
    expect(await it.driver.parked(queue, { positions })).toEqual([])
    expect(await counts()).toEqual([4, 2, 0])
  })

  claim('out of the backlog, out of reading and away from consumers', async (it) => {
    const queue = await it.queue()
    await park(it, queue, 'q', 5)
    const consumer = it.consume(queue)
    await it.publish(queue, [entryOf('marker', { queue: 'q' })])
    await consumer.until(1)
    expect(consumer.ids).toEqual(['marker'])
    await it.publish(queue, [entryOf('waiting', { queue: 'other', notBefore: it.now() + 3_600_000 })])
    expect((await it.read(queue)).map(idOf)).toEqual(['waiting'])
    expect((await it.backlog(queue)).events).toBe(1)
    expect((await it.backlog(queue, 'q')).events).toBe(0)
  })

  claim('until they are redriven, as attempt 1', async (it) => {
    const queue = await it.queue()
    await park(it, queue, 'q', 4)
    const [first, second] = await it.parked(queue)
    const positions = [first?.position as string, second?.position as string]
    const consumer = it.consume(queue, { each: hold })
    expect(await it.driver.redrive(queue, positions)).toBe(2)
    await consumer.until(2)
    expect(consumer.deliveries.map(({ attempt, handOuts }) => [attempt, handOuts])).toEqual([
      [1, 1],
      [1, 1],
    ])
    expect(consumer.deliveries.map(({ position }) => position).sort()).toEqual(positions.toSorted())
    expect((await it.backlog(queue, 'q')).events).toBe(2)
    expect(await it.parked(queue)).toHaveLength(2)
    expect(await it.driver.redrive(queue, positions)).toBe(0)
    for (const delivery of consumer.deliveries) await delivery.ack()
    expect(await it.backlog(queue)).toEqual({ events: 0, bytes: 0 })
  })

  claim('of a log too, for the subscription that parked them', async (it) => {
    const log = await it.log({ subscriptions: ['a', 'b'] })
    const a = it.consume(log, { as: 'a', each: (delivery) => delivery.park('REASON') })
    const b = it.consume(log, { as: 'b' })
    await it.publish(log, [entryOf(1)])
    await Promise.all([a.until(1), b.until(1)])
    await a.ended()
    const [parked] = await it.parked(log)
    a.each = (delivery) => delivery.ack()
    expect(await it.driver.redrive(log, [parked?.position as string])).toBe(1)
    await a.until(2)
    await it.publish(log, [entryOf('marker')])
    await Promise.all([a.until(3), b.until(2)])
    expect(b.ids).toEqual(['1', 'marker'])
    expect(a.deliveries[1]).toMatchObject({ attempt: 1, position: a.deliveries[0]?.position })
  })

  claim('until they are purged by position', async (it) => {
    const queue = await it.queue()
    await park(it, queue, 'q', 4)
    await it.publish(queue, [entryOf('waiting', { queue: 'q' })])
    const parked = await it.parked(queue)
    const [waiting] = (await it.read(queue)).map(({ position }) => position)
    const positions = [parked[1]?.position as string, parked[3]?.position as string, waiting as string]
    expect(await it.driver.purge(queue, { positions })).toBe(2)
    expect((await it.parked(queue)).map(({ reason }) => reason)).toEqual(['reason 0', 'reason 2'])
    expect(await it.driver.purge(queue, { positions })).toBe(0)
    expect((await it.backlog(queue)).events).toBe(1)
  })

  claim('until they are purged by the time of parking, all or a queue', async (it) => {
    const queue = await it.queue()
    const before = new Date(it.now() - 60_000)
    await park(it, queue, 'a', 3)
    await park(it, queue, 'b', 3)
    const after = new Date(it.now() + 60_000)
    expect(await it.driver.purge(queue, { parkedBefore: before })).toBe(0)
    expect(await it.driver.purge(queue, { queue: 'a', parkedBefore: after })).toBe(3)
    expect((await it.parked(queue)).map((parked) => parked.queue)).toEqual(['b', 'b', 'b'])
    expect(await it.driver.purge(queue, { parkedBefore: after })).toBe(3)
    expect(await it.parked(queue)).toEqual([])
  })

  claim(
    'across restarts, orderly or not',
    async (it) => {
      const queue = await it.queue()
      await park(it, queue, 'q', 3)
      const parked = await it.parked(queue)
      await it.restart()
      expect(await it.parked(queue)).toEqual(parked)
      await it.driver.redrive(queue, [parked[0]?.position as string])
      await it.driver.purge(queue, { positions: [parked[1]?.position as string] })
      await it.crash()
      expect(await it.parked(queue)).toEqual(parked.slice(2))
      const consumer = it.consume(queue)
      await consumer.until(1)
      expect(consumer.deliveries[0]).toMatchObject({ position: parked[0]?.position, attempt: 1 })
    },
    'persistent storage',
    'crash',
  )
})

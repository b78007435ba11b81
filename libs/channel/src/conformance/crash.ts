import { expect } from '@jest/globals'
import { about } from './case.ts'
import { ack, hold, idOf } from './consumer.ts'
import { entriesOf, entryOf } from './samples.ts'

const CRASHES = 6

export const crashClaims = about('counts hand-outs', ({ claim }) => {
  claim(
    'that a crash took, within one of the truth and apart from attempts',
    async (it) => {
      const channels = [await it.log(), await it.queue()]
      for (const channel of channels) await it.publish(channel, [entryOf('poison', { queue: 'q' })])
      const seen = new Map<string, number>()
      for (let crash = 0; crash <= CRASHES; crash++) {
        // Side by side, as each waits for the lease of the one before it
        const consumers = channels.map((channel) => [channel, it.consume(channel, { each: hold })] as const)
        for (const [channel, consumer] of consumers) {
          await consumer.until(1)
          const [delivery] = consumer.deliveries
          expect(delivery?.attempt).toBe(1)
          const handOuts = delivery?.handOuts as number
          expect([handOuts, handOuts + 1]).toContain(crash + 1)
          expect(handOuts).toBeGreaterThanOrEqual(seen.get(channel) ?? 0)
          seen.set(channel, handOuts)
        }
        if (crash < CRASHES) await it.crash()
      }
      for (const channel of channels) expect(seen.get(channel)).toBeGreaterThanOrEqual(6)
    },
    'crash',
  )

  claim(
    'one by one from the third on, so that only the poison is blamed',
    async (it) => {
      // One lane: what is handed out of several before the crash is chance.
      const queue = await it.queue({ lanes: 1 })
      await it.publish(
        queue,
        entriesOf(30, () => ({ queue: 'q' })),
      )
      const most = new Map<string, number>()
      // A process that dies at the poison, and acknowledges what it can before.
      for (let crash = 0; crash < CRASHES; crash++) {
        const consumer = it.consume(queue, {
          each: (delivery) => (idOf(delivery) === '5' || delivery.handOuts < 3 ? undefined : ack(delivery)),
        })
        await consumer.until(() => consumer.ids.includes('5'))
        for (const delivery of consumer.deliveries) {
          most.set(idOf(delivery), Math.max(most.get(idOf(delivery)) ?? 0, delivery.handOuts))
        }
        await it.crash()
      }
      most.delete('5')
      expect(Math.max(...most.values())).toBeLessThanOrEqual(4)
    },
    'crash',
  )

  claim(
    'from one again when the entry has ended in any way',
    async (it) => {
      const queue = await it.queue()
      await it.publish(
        queue,
        entriesOf(3, () => ({ queue: 'q' })),
      )
      for (let crash = 0; crash < 2; crash++) {
        await it.consume(queue, { each: hold }).until(3)
        await it.crash()
      }
      const consumer = it.consume(queue, {
        each: (delivery) => {
          if (delivery.handOuts === 1) return ack(delivery)
          if (idOf(delivery) === '0') return delivery.nack(0)
          return idOf(delivery) === '1' ? delivery.park('why') : ack(delivery)
        },
      })
      await consumer.until(4)
      await consumer.ended()
      const nacked = consumer.deliveries.find(({ attempt }) => attempt === 2)
      expect(nacked?.handOuts).toBe(1)
      const [parked] = await it.parked(queue)
      await it.driver.redrive(queue, [parked?.position as string])
      await consumer.until(5)
      expect(consumer.deliveries[4]).toMatchObject({ attempt: 1, handOuts: 1 })
    },
    'crash',
  )

  claim(
    'never of what only waited',
    async (it) => {
      const [log, queue] = [await it.log({ lanes: 1 }), await it.queue({ lanes: 1 })]
      for (const channel of [log, queue])
        await it.publish(
          channel,
          entriesOf(20, () => ({ queue: 'q' })),
        )
      for (let crash = 0; crash < 2; crash++) {
        const consumers = [log, queue].map((channel) => it.consume(channel, { each: hold, maxInFlight: 1 }))
        for (const consumer of consumers) await consumer.until(1)
        await it.crash()
      }
      for (const consumer of [log, queue].map((channel) => it.consume(channel))) {
        await consumer.until(20)
        const counted = consumer.deliveries.filter(({ handOuts }) => handOuts > 1).map(idOf)
        expect(counted).toEqual(['0'])
      }
    },
    'crash',
  )
})

import { expect } from '@jest/globals'
import { about } from './case.ts'
import { idOf } from './consumer.ts'
import { entriesOf, entryOf, entryOfBytes } from './samples.ts'

export const readClaims = about('reads what is stored', ({ claim }) => {
  claim('from the oldest, from a position on, to the newest, whatever was consumed', async (it) => {
    const log = await it.log()
    const positions = await it.publish(log, entriesOf(700))
    const consumer = it.consume(log)
    await consumer.until(700)
    expect((await it.read(log)).map(idOf)).toEqual(Array.from({ length: 700 }, (_, i) => String(i)))
    const from = positions[650] as string
    expect((await it.read(log, from)).map(idOf)).toEqual(Array.from({ length: 50 }, (_, i) => String(650 + i)))
    expect(await it.read(await it.log())).toEqual([])
    for (const none of ['no such position', '-1', '1e3', '']) expect(await it.read(log, none)).toEqual([])
  })

  claim('from a beginning that it names', async (it) => {
    const log = await it.log()
    expect(await it.driver.beginning(log)).toEqual({ oldest: undefined, isCut: false })
    await it.publish(log, entriesOf(3))
    const [first] = await it.read(log)
    const oldest = { position: first?.position, storedAt: first?.storedAt }
    expect(await it.driver.beginning(log)).toEqual({ oldest, isCut: false })
  })

  claim('from a time on, in a log or a queue', async (it) => {
    if (!it.driver.capabilities.readFromTime) return
    for (const channel of [await it.log({ lanes: 1 }), await it.queue({ lanes: 1 })]) {
      await it.publish(
        channel,
        entriesOf(10, () => ({ queue: 'q' })),
      )
      const old = Math.max(...(await it.read(channel)).map(({ storedAt }) => storedAt))
      while (it.now() <= old + 2) await new Promise((resolve) => setImmediate(resolve))
      await it.publish(channel, [entryOf('new', { queue: 'q' })])
      expect((await it.read(channel, new Date(old + 1))).map(idOf)).toEqual(['new'])
      expect(await it.read(channel, new Date(0))).toHaveLength(11)
      expect(await it.read(channel, new Date(it.now() + 60_000))).toEqual([])
    }
  })

  claim('of a queue: what waits or is out, not what has ended', async (it) => {
    const queue = await it.queue()
    await it.publish(
      queue,
      entriesOf(5, (i) => ({ queue: `q${i}` })),
    )
    const consumer = it.consume(queue, {
      each: (delivery) => (idOf(delivery) === '3' ? delivery.ack() : undefined),
    })
    await consumer.until(5)
    await consumer.ended()
    await it.publish(queue, [entryOf('marker', { queue: 'q' })])
    const stored = await it.read(queue)
    expect(stored.map((each) => `${idOf(each)} in ${each.queue}`).filter((each) => !each.startsWith('3'))).toEqual([
      '0 in q0',
      '1 in q1',
      '2 in q2',
      '4 in q4',
      'marker in q',
    ])
  })

  claim('until its signal aborts', async (it) => {
    const log = await it.log()
    await it.publish(log, entriesOf(3_000))
    const abort = new AbortController()
    let count = 0
    for await (const _ of it.driver.read(log, 'oldest', abort.signal)) if (++count === 10) abort.abort()
    expect(count).toBeLessThan(3_000)
    expect(await Array.fromAsync(it.driver.read(log, 'oldest', AbortSignal.abort()))).toEqual([])
  })

  claim('while more is stored, without end or repeat', async (it) => {
    const log = await it.log({ lanes: 1 })
    await it.publish(log, entriesOf(500))
    const ids: string[] = []
    for await (const stored of it.driver.read(log, 'oldest', new AbortController().signal)) {
      ids.push(idOf(stored))
      if (ids.length % 100 === 0 && ids.length < 1_000) await it.publish(log, [entryOf(`more ${ids.length}`)])
      if (ids.length > 2_000) break
    }
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.slice(0, 500)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)))
  })

  claim('in pages that fit in memory', async (it) => {
    for (const channel of [await it.log(), await it.queue()]) {
      for (let i = 0; i < 8; i++) {
        await it.publish(
          channel,
          [0, 1, 2, 3].map((j) => entryOfBytes(`${i}${j}`, 512 * 1024, { queue: 'q' })),
        )
      }
      expect(await it.read(channel)).toHaveLength(32)
    }
  })
})

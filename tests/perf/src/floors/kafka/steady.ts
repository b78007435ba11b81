// Publishes at a steady rate until told to stop; an event's id is its number and when it was sent. The client is always the same.
import '../../load/program.ts'
import { openClient } from './open-client.ts'
import { recordOf } from './records.ts'

const EVERY_MS = 10
const [brokers = '', topic = '', perSecond = ''] = process.argv.slice(2)
const batch = Math.round((Number(perSecond) * EVERY_MS) / 1e3)
const client = await openClient('kafkajs', brokers)
await client.createTopic(topic)
let sent = 0
let isOver = false

async function publish(): Promise<void> {
  const start = performance.now()
  while (!isOver) {
    const due = start + (sent / batch) * EVERY_MS - performance.now()
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due))
    const now = Date.now()
    const records = Array.from({ length: batch }, (_, i) => recordOf(sent + i, `${sent + i} ${now}`))
    await client.produce(topic, records)
    sent += batch
  }
}

const publishing = publish()
process.on('message', async () => {
  isOver = true
  await publishing
  process.send?.({ sent })
})
process.send?.({ port: 0 })

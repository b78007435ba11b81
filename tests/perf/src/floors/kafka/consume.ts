// K2: a client's own consumer in a group, over events that were published before.
import '../../load/program.ts'
import { since } from '../../load/tight-loop.ts'
import { openClient } from './open-client.ts'

const [brokers = '', topic = '', name = '', events = ''] = process.argv.slice(2)
const client = await openClient(name, brokers)

process.on('message', async () => {
  let first: { count: number; at: number; cpu: NodeJS.CpuUsage } | undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  let count = 0
  // Joining a group takes its time, and is measured apart
  await client.consume(topic, topic, () => {
    first ??= { count: 0, at: performance.now(), cpu: process.cpuUsage() }
    count += 1
    if (count === Number(events)) resolve()
  })
  await promise
  if (first !== undefined) process.send?.(since(first, count))
})
process.send?.({ port: 0 })

// K1: a client's own send of 256 records, one after another, idempotent and acknowledged by all.
import { serveLoop } from '../../load/tight-loop.ts'
import { openClient } from './open-client.ts'
import { recordsFrom } from './records.ts'

const BATCH = 256
const [brokers = '', topic = '', name = ''] = process.argv.slice(2)
const client = await openClient(name, brokers)
await client.createTopic(topic)
let count = 0

serveLoop(
  1,
  () => {
    const records = recordsFrom(count, BATCH)
    count += BATCH
    return client.produce(topic, records)
  },
  BATCH,
)

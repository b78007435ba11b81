// A member of a group: writes down which events it got and when, each before it takes the next, so that a kill takes no note away.
import { openSync, writeSync } from 'node:fs'
import '../../load/program.ts'
import { openClient } from './open-client.ts'

const [brokers = '', topic = '', name = '', file = ''] = process.argv.slice(2)
const client = await openClient(name, brokers)
const notes = openSync(file, 'a')

const membership = await client.consume(topic, topic, (id) => void writeSync(notes, `${id} ${Date.now()}\n`))
process.on('message', async () => {
  await membership[Symbol.asyncDispose]()
  process.send?.({})
})
process.send?.({ port: 0 })

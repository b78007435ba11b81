// The dispatcher over a channel that hands out prepared deliveries from memory.
import { createEvent } from '@sluice/cloudevents'
import { startDispatcher } from '@sluice/dispatch'
import '../load/program.ts'
import { eventHeaders, jsonBody } from '../load/request.ts'
import { deliveryTo, surroundings } from './contract.ts'
import { endlessDriver } from './memory-driver.ts'

const row = deliveryTo(`${process.argv[2]}/`)
const attributes = Object.entries(eventHeaders('0')).map(
  ([name, value]) => [name === 'content-type' ? 'datacontenttype' : name.replace('ce-', ''), value] as const,
)
const event = createEvent([...attributes, ['knativebrokerttl', 255]], Buffer.from(jsonBody(1024)))
const around = await surroundings([row])
startDispatcher({
  ...around,
  driver: endlessDriver(row.uid, { event, laneKey: 'one' }),
  admit: (reply) => reply,
})
process.send?.({ port: 0 })

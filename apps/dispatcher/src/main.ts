/** The dispatcher in a process of its own: delivers what waits in the queues of brokers to their subscribers. */
import { hostname } from 'node:os'
import type { ChannelDriver } from '@sluice/channel'
import { bytes, oneOf, text } from '@sluice/config'
import { fileSource } from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { EventingError } from '@sluice/errors'
import { createAdmission, DEFAULT_MAX_TTL } from '@sluice/ingress'
import { runService } from '@sluice/service'

/** Drivers that several processes can share: none so far, the next ones come here. */
const openDriver: Readonly<Record<string, () => Promise<ChannelDriver>>> = {}

await runService({
  name: 'dispatcher',
  config: {
    driver: oneOf('CHANNEL_DRIVER', ['embedded'], { fallback: 'embedded', meaning: 'what stores the events' }),
    maxEventBytes: bytes('MAX_EVENT_BYTES', {
      ...{ min: 65_536, max: 33_554_432, fallback: 1_048_576 },
      meaning: 'largest reply, attributes and data as stored',
    }),
    contract: text('SLUICE_CONTRACT', { fallback: 'contract.json', meaning: 'file with the contract' }),
    replica: text('SLUICE_REPLICA', { fallback: hostname(), meaning: 'name of this process to the control plane' }),
  },
  check: ({ driver }) => void sharedDriver(driver),
  async start({ driver: name, contract: path, replica, maxEventBytes }, context) {
    const contract = await fileSource({ path, ...context })
    const driver = await sharedDriver(name)()
    const admit = createAdmission({ clock: context.clock, maxEventBytes, maxTtl: DEFAULT_MAX_TTL })
    const dispatcher = startDispatcher({ ...context, driver, contract, replica, admit })
    context.ready('dispatcher', dispatcher.ready)
    context.durable(driver.capabilities.durable)
    return dispatcher
  },
})

function sharedDriver(name: string): () => Promise<ChannelDriver> {
  const open = openDriver[name]
  if (open !== undefined) return open
  const message = `CHANNEL_DRIVER=${name} serves one process, so the dispatcher can't run apart; npm start runs all roles in one`
  throw new EventingError({ code: 'DRIVER_SERVES_ONE_PROCESS', driver: name }, message)
}

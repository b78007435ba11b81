/** The filter in a process of its own: reads the logs of brokers and queues one copy per matching trigger. */
import { hostname } from 'node:os'
import type { ChannelDriver } from '@sluice/channel'
import { oneOf, text } from '@sluice/config'
import { fileSource } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { startFilter } from '@sluice/filter'
import { runService } from '@sluice/service'

/** Drivers that several processes can share: none so far, the next ones come here. */
const openDriver: Readonly<Record<string, () => Promise<ChannelDriver>>> = {}

await runService({
  name: 'filter',
  config: {
    driver: oneOf('CHANNEL_DRIVER', ['embedded'], { fallback: 'embedded', meaning: 'what stores the events' }),
    contract: text('SLUICE_CONTRACT', { fallback: 'contract.json', meaning: 'file with the contract' }),
    replica: text('SLUICE_REPLICA', { fallback: hostname(), meaning: 'name of this process to the control plane' }),
  },
  check: ({ driver }) => void sharedDriver(driver),
  async start({ driver: name, contract: path, replica }, context) {
    const contract = await fileSource({ path, ...context })
    const driver = await sharedDriver(name)()
    const filter = startFilter({ ...context, driver, contract, replica })
    context.ready('filter', filter.ready)
    context.durable(driver.capabilities.durable)
    return filter
  },
})

function sharedDriver(name: string): () => Promise<ChannelDriver> {
  const open = openDriver[name]
  if (open !== undefined) return open
  const message = `CHANNEL_DRIVER=${name} serves one process, so the filter can't run apart; npm start runs all roles in one`
  throw new EventingError({ code: 'DRIVER_SERVES_ONE_PROCESS', driver: name }, message)
}

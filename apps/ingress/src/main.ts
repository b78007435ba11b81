/** The ingress in a process of its own: takes events over HTTP into the logs of their brokers. */
import { hostname } from 'node:os'
import type { ChannelDriver } from '@sluice/channel'
import { bytes, oneOf, port, text } from '@sluice/config'
import { fileSource } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { startIngress } from '@sluice/ingress'
import { runService } from '@sluice/service'

/** Drivers that several processes can share: none so far, the next ones come here. */
const openDriver: Readonly<Record<string, () => Promise<ChannelDriver>>> = {}

await runService({
  name: 'ingress',
  config: {
    driver: oneOf('CHANNEL_DRIVER', ['embedded'], { fallback: 'embedded', meaning: 'what stores the events' }),
    port: port('INGRESS_PORT', { fallback: 8080, meaning: 'where events come in; 0 is any free port' }),
    maxEventBytes: bytes('MAX_EVENT_BYTES', {
      ...{ min: 65_536, max: 33_554_432, fallback: 1_048_576 },
      meaning: 'largest event, attributes and data as stored',
    }),
    contract: text('SLUICE_CONTRACT', { fallback: 'contract.json', meaning: 'file with the contract' }),
    replica: text('SLUICE_REPLICA', { fallback: hostname(), meaning: 'name of this process to the control plane' }),
  },
  check: ({ driver }) => void sharedDriver(driver),
  async start(config, context) {
    const contract = await fileSource({ path: config.contract, ...context })
    const driver = await sharedDriver(config.driver)()
    const ingress = await startIngress({ ...config, ...context, driver, contract })
    context.ready('ingress', ingress.ready)
    context.durable(driver.capabilities.durable)
    return ingress
  },
})

function sharedDriver(name: string): () => Promise<ChannelDriver> {
  const open = openDriver[name]
  if (open !== undefined) return open
  const message = `CHANNEL_DRIVER=${name} serves one process, so the ingress can't run apart; npm start runs all roles in one`
  throw new EventingError({ code: 'DRIVER_SERVES_ONE_PROCESS', driver: name }, message)
}

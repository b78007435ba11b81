import { provisionKafka, provisionNats } from '@sluice/testkit'
import { apart } from './apart.ts'
import { kafkaBackend, kafkaClusterBackend } from './kafka-backend.ts'
import type { Layout, LayoutOptions } from './layout.ts'
import { natsBackend } from './nats-backend.ts'
import { standalone } from './standalone.ts'

type Open = (options: LayoutOptions) => Promise<Layout>

/** Each layout, or why it can't be had on this machine. */
export const LAYOUTS: ReadonlyMap<string, () => Promise<Open | string>> = new Map<string, () => Promise<Open | string>>(
  [
    ['standalone', async () => standalone],
    [
      'apart',
      async () => {
        const provision = await provisionNats()
        process.stdout.write(`${provision.report}\n`)
        return provision.found === undefined
          ? provision.report
          : (options) => apart(() => natsBackend(provision), options)
      },
    ],
    [
      'apart-kafka',
      async () => {
        const provision = await provisionKafka()
        process.stdout.write(`${provision.report}\n`)
        return provision.found === undefined
          ? provision.report
          : (options) => apart(() => kafkaBackend(provision), options)
      },
    ],
    [
      'apart-kafka-three',
      async () => {
        const provision = await provisionKafka()
        process.stdout.write(`${provision.report}\n`)
        return provision.found?.kind !== 'program'
          ? `it takes three servers of its own: ${provision.report}`
          : (options) => apart(() => kafkaClusterBackend(provision), options)
      },
    ],
  ],
)

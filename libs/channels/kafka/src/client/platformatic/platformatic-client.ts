import type { KafkaOptions } from '../../config.ts'
import type { KafkaClient } from '../client.ts'
import { Cluster } from './cluster.ts'
import { PlatformaticConnections } from './connections.ts'

/** @platformatic/kafka: its connections, and the requests that it exports by version. */
export function openPlatformatic(options: KafkaOptions): KafkaClient {
  const cluster = new Cluster(options)
  return {
    open: () => new PlatformaticConnections(cluster, options),
    [Symbol.dispose]: () => cluster[Symbol.dispose](),
  }
}

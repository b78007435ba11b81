import { DEFAULT_CLIENT, type KafkaOptions } from '../config.ts'
import type { KafkaClient } from './client.ts'

/** Of the one that is asked for; the other is not even loaded. Rejects with CONFIG_INVALID. */
export async function openClient(options: KafkaOptions): Promise<KafkaClient> {
  const { client = DEFAULT_CLIENT } = options
  if (client === 'kafkajs') {
    const { openKafkajs } = await import('./kafkajs/kafkajs-client.ts')
    return openKafkajs(options)
  }
  const { openPlatformatic } = await import('./platformatic/platformatic-client.ts')
  return openPlatformatic(options)
}

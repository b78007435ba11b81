import { type KafkaClient, PATIENCE } from './client.ts'

/** Only the one that is asked for is loaded: memory is compared as well. */
export async function openClient(name: string, brokers: string, patience = PATIENCE): Promise<KafkaClient> {
  if (name === 'kafkajs') return (await import('./kafkajs.ts')).openKafkajs(brokers, patience)
  return (await import('./platformatic.ts')).openPlatformatic(brokers, patience)
}

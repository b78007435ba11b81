import type { KafkaOptions } from './config.ts'

export type KafkaEvents = ReturnType<typeof kafkaEvents>

/** A foreign producer may write nothing else: each is counted, one is told in this time. */
const QUIET_MS = 10_000

/** What happens in the driver that nobody above can see. */
export function kafkaEvents({ telemetry, clock }: Pick<KafkaOptions, 'telemetry' | 'clock'>) {
  const { log } = telemetry
  const quiet = new Map<string, { readonly until: number; unsaid: number }>()
  const foreign = telemetry.counter('channel_kafka_skipped_records_total', {
    description: 'records in a topic of ours that are no CloudEvents: skipped, not intended',
  })
  const repeated = telemetry.counter('channel_kafka_repeated_entries_total', {
    description: 'entries whose key the consumer had seen already: dropped, intended',
  })
  const taken = telemetry.counter('channel_kafka_lanes_taken_total', {
    description: 'lanes taken over by this process',
  })
  return {
    skipped(channel: string, lane: number, seq: number, error: unknown) {
      foreign.add(1)
      const now = clock.monotonic()
      const last = quiet.get(channel)
      if (last !== undefined && now < last.until) {
        last.unsaid++
        return
      }
      quiet.set(channel, { until: now + QUIET_MS, unsaid: 0 })
      const before = last !== undefined && last.unsaid > 0 ? { unsaidBefore: last.unsaid } : {}
      const fields = { channel, lane, offset: seq - 1, error: String(error), ...before }
      log.warn(fields, 'a record that is no CloudEvent was skipped')
    },
    repeated: () => repeated.add(1),
    taken(channel: string, lane: number) {
      taken.add(1)
      log.debug({ channel, lane }, 'lane taken')
    },
    lost: (channel: string, lane: number) => log.warn({ channel, lane }, 'lane lost to another consumer'),
    failed: (what: string, error: unknown) => log.warn({ what, error: String(error) }, 'Kafka: it is tried again'),
  }
}

import type { NatsOptions } from './config.ts'

export type NatsEvents = ReturnType<typeof natsEvents>

/** What happens in the driver that nobody above can see. */
export function natsEvents({ telemetry }: NatsOptions) {
  const { log } = telemetry
  const foreign = telemetry.counter('channel_nats_skipped_messages_total', {
    description: 'messages in a stream of ours that are no CloudEvents: skipped, not intended',
  })
  const repeated = telemetry.counter('channel_nats_repeated_entries_total', {
    description: 'entries whose key the consumer had seen already: dropped, intended',
  })
  const taken = telemetry.counter('channel_nats_lanes_taken_total', {
    description: 'lanes taken over by this process',
  })
  return {
    skipped(channel: string, lane: number, seq: number, error: unknown) {
      foreign.add(1)
      log.warn({ channel, lane, seq, error: String(error) }, 'a message that is no CloudEvent was skipped')
    },
    repeated: () => repeated.add(1),
    taken(channel: string, lane: number) {
      taken.add(1)
      log.debug({ channel, lane }, 'lane taken')
    },
    lost: (channel: string, lane: number) => log.warn({ channel, lane }, 'lane lost to another consumer'),
    failed: (what: string, error: unknown) => log.warn({ what, error: String(error) }, 'NATS: it is tried again'),
  }
}

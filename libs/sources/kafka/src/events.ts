import type { KafkaSourceRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Counter, Logger, Telemetry } from '@sluice/telemetry'
import type { Place } from './record-group.ts'

type Named = Pick<KafkaSourceRow, 'namespace' | 'name'>

export interface KafkaTelemetry {
  readonly log: Logger
  readonly failures: Counter
  readonly rebalances: Counter
}

export function kafkaTelemetry(telemetry: Pick<Telemetry, 'log' | 'counter'>): KafkaTelemetry {
  const counter = (name: string, description: string) => telemetry.counter(name, { description })
  return {
    log: telemetry.log,
    failures: counter(
      'source_kafka_failures_total',
      'Times a member of a consumer group could not read any more, by source; each joins again after a back-off',
    ),
    rebalances: counter(
      'source_kafka_assignments_total',
      'Times a member of a consumer group was given its partitions, by source',
    ),
  }
}

/** Read at each scrape. */
export function watchLag(
  telemetry: Pick<Telemetry, 'gauge'>,
  read: () => Iterable<{ readonly row: Named; readonly places: readonly Place[] }>,
): Disposable {
  const description =
    'Records of a partition that the consumer group has not passed yet, by source, topic and partition'
  return telemetry.gauge('source_kafka_lag_records', { description }, () =>
    [...read()].flatMap(({ row: { namespace, name }, places }) =>
      places.map(({ topic, partition, low, high, committed = low }) => ({
        value: Math.max(0, high - Math.max(committed, low)),
        labels: { namespace, name, topic, partition },
      })),
    ),
  )
}

export type KafkaEvents = ReturnType<typeof kafkaEvents>

/** Everything that can happen to one source, beside what happens to its events. Never a key, a value or a header. */
export function kafkaEvents({ log, failures, rebalances }: KafkaTelemetry, { namespace, name }: Named) {
  const labels = { namespace, name }
  return {
    joined(member: number, partitions: number) {
      rebalances.add(1, labels)
      log.info({ ...labels, member, partitions }, 'member of a consumer group has its partitions')
    },
    left(member: number, retryInMs: number, error: unknown) {
      failures.add(1, labels)
      log.warn(
        { ...labels, member, retryInMs, code: failureOf(error).code, error },
        'member of a consumer group can not read any more, it joins again',
      )
    },
    refused(record: { readonly topic: string; readonly partition: number; readonly offset: number }) {
      log.error({ ...labels, ...record }, 'record of a source is passed without being stored, it stays in its topic')
    },
    notShared(error: unknown, retryInMs: number) {
      log.warn(
        { ...labels, retryInMs, code: failureOf(error).code, error },
        'members of a consumer group that are to be in this replica can not be had, it tries again',
      )
    },
    lagUnknown(error: unknown) {
      log.debug({ ...labels, code: failureOf(error).code, error }, 'lag of a consumer group is not known')
    },
  }
}

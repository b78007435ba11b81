import { sleep } from '@sluice/clock'
import type { KafkaSourceRow } from '@sluice/contract'
import { EventingError, isFailure } from '@sluice/errors'
import type { HoldingSource } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'
import { eventOf } from './event-of.ts'
import { type KafkaEvents, kafkaEvents, kafkaTelemetry, watchLag } from './events.ts'
import { keepMembers } from './keep-members.ts'
import type { TopicRecord } from './record.ts'
import type { OpenGroup, Place, RecordGroup } from './record-group.ts'
import { settingsOf } from './settings-of.ts'
import { startPlaces } from './start-places.ts'
import { takeRecords } from './take-records.ts'

export interface KafkaDeps {
  readonly telemetry: Pick<Telemetry, 'log' | 'counter' | 'gauge'>
  readonly openGroup: OpenGroup
  /** For jitter, in [0, 1). */
  readonly random?: () => number
}

/** Of one partition, where their order is of no matter. Source: eventing-kafka-broker, max.poll.records. */
const MOST_AT_ONCE = 50
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/
const LOOK_MS = 15_000
const CONNECTED = 'ConnectionEstablished'
const OFFSETS = 'InitialOffsetsCommitted'

/** For `runSources`: posts an event for each record, as members of the consumer group. */
export function kafkaSource({
  telemetry,
  openGroup,
  random = Math.random,
}: KafkaDeps): (source: HoldingSource<KafkaSourceRow>) => Promise<AsyncDisposable> {
  const shared = kafkaTelemetry(telemetry)
  const looks = new Map<string, { readonly row: KafkaSourceRow; places: readonly Place[] }>()
  watchLag(telemetry, () => looks.values())

  return async (source) => {
    const { row, status, clock } = source
    const events = kafkaEvents(shared, row)
    const troubled = (error: unknown) => status.condition(CONNECTED, notConnected(error))
    await using stack = new AsyncDisposableStack()
    let group: RecordGroup
    let places: readonly Place[]
    try {
      group = stack.use(await openGroup(await settingsOf(source)))
      places = await group.places()
    } catch (error) {
      troubled(error)
      throw error
    }
    status.condition(CONNECTED, { status: 'True' })
    const startOf = await startPlaces(row, source.state, places)
    status.condition(OFFSETS, { status: 'True' })

    const over = new AbortController()
    const signal = AbortSignal.any([source.signal, over.signal])
    const publish = publisher(source, events)
    const mostAtOnce = row.ordering === 'ordered' ? 1 : MOST_AT_ONCE
    const members = keepMembers({
      ...{ group, clock, signal, events, random, startOf },
      // More than there are partitions would have nothing to read
      count: Math.min(row.consumers, places.length),
      take: ({ records }, turn) => takeRecords(records, turn, publish, mostAtOnce),
      changed(joined, error) {
        status.fact('consumers', String(joined))
        if (error === undefined) status.condition(CONNECTED, { status: 'True' })
        else troubled(error)
      },
    })
    const look = { row, places }
    looks.set(row.uid, look)
    const looking = (async () => {
      for (;;) {
        await sleep(clock, LOOK_MS, signal)
        if (signal.aborted) return
        try {
          look.places = await group.places()
        } catch (error) {
          events.lagUnknown(error)
          look.places = []
        }
      }
    })()
    const open = stack.move()
    return {
      async [Symbol.asyncDispose]() {
        over.abort()
        await members.ended
        await looking
        if (looks.get(row.uid) === look) looks.delete(row.uid)
        await open[Symbol.asyncDispose]()
      },
    }
  }
}

/** Answers whether the record has come to its end: stored, or refused for good, which is said. */
function publisher({ row, outlet }: HoldingSource<KafkaSourceRow>, events: KafkaEvents) {
  return async (record: TopicRecord, signal: AbortSignal): Promise<boolean> => {
    const { topic, partition, offset } = record
    const { outcome } = await outlet.publish(eventOf(record, row), signal, traceOf(record))
    if (outcome === 'refused') events.refused({ topic, partition, offset })
    return outcome !== 'aborted'
  }
}

/** Of whoever wrote the record. Source: W3C Trace Context, as OpenTelemetry puts it into headers. */
function traceOf({ headers }: TopicRecord): string | undefined {
  const text = headers.findLast(([name]) => name.toLowerCase() === 'traceparent')?.[1]?.toString('latin1')
  return text !== undefined && TRACEPARENT.test(text) ? text : undefined
}

function notConnected(error: unknown) {
  const message = error instanceof EventingError ? error.message.slice(0, 500) : 'the log of source-kafka says why'
  if (isFailure(error, 'SOURCE_ORIGIN_UNAVAILABLE')) {
    return { status: 'False', reason: error.detail.reason, message } as const
  }
  const reason = isFailure(error, 'SOURCE_SECRET_MISSING') ? 'SecretMissing' : 'SettingsInvalid'
  return { status: 'False', reason, message } as const
}

import { sleep } from '@sluice/clock'
import type { KafkaSourceRow } from '@sluice/contract'
import { EventingError, isFailure } from '@sluice/errors'
import type { FollowingSource, HoldingSource } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'
import { eventOf } from './event-of.ts'
import { type KafkaEvents, kafkaEvents, kafkaTelemetry, watchLag } from './events.ts'
import { keepMembers } from './keep-members.ts'
import type { TopicRecord } from './record.ts'
import type { MemberDeps, OpenGroup, Place, RecordGroup } from './record-group.ts'
import { seatsOf } from './seats.ts'
import { settingsOf } from './settings-of.ts'
import { keptStartPlaces, startPlaces } from './start-places.ts'
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
/** How soon a replica that comes or goes is seen. */
const SHARE_MS = 1_000
const LONGEST_RETRY_MS = 60_000
const CONNECTED = 'ConnectionEstablished'
const OFFSETS = 'InitialOffsetsCommitted'

export interface KafkaSources {
  /** For `runSources`: what the holder does, its share of the members included. */
  readonly hold: (source: HoldingSource<KafkaSourceRow>) => Promise<AsyncDisposable>
  /** What the others do: their share of the members. */
  readonly follow: (source: FollowingSource<KafkaSourceRow>) => Promise<AsyncDisposable>
}

/** Posts an event for each record, as members of the consumer group. */
export function kafkaSources({ telemetry, openGroup, random = Math.random }: KafkaDeps): KafkaSources {
  const shared = kafkaTelemetry(telemetry)
  const looks = new Map<string, { readonly row: KafkaSourceRow; places: readonly Place[] }>()
  watchLag(telemetry, () => looks.values())
  /** What this replica holds, by uid. */
  const held = new Map<string, number>()

  const takerOf = (source: FollowingSource<KafkaSourceRow>, events: KafkaEvents): MemberDeps['take'] => {
    const publish = publisher(source, events)
    const mostAtOnce = source.row.ordering === 'ordered' ? 1 : MOST_AT_ONCE
    return ({ records }, turn) => takeRecords(records, turn, publish, mostAtOnce)
  }
  /** More members than there are partitions would have nothing to read. */
  const shareOf = ({ row, place }: FollowingSource<KafkaSourceRow>, partitions: number, isHolder: boolean) =>
    seatsOf({ uid: row.uid, consumers: Math.min(row.consumers, partitions) }, place(), isHolder)

  async function hold(source: HoldingSource<KafkaSourceRow>): Promise<AsyncDisposable> {
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
    const isShared = () => row.consumers > 1 && (source.place()?.of ?? 1) > 1
    let [own, all] = [0, 0]
    const told = () => status.fact('consumers', String(isShared() ? Math.min(row.consumers, Math.max(own, all)) : own))
    const members = keepMembers({
      ...{ group, clock, signal, events, random, startOf, take: takerOf(source, events) },
      changed(joined, error) {
        own = joined
        told()
        if (error === undefined) status.condition(CONNECTED, { status: 'True' })
        else troubled(error)
      },
    })
    held.set(row.uid, (held.get(row.uid) ?? 0) + 1)
    const resize = async () => members.resize(shareOf(source, places.length, true))
    const sharing = row.consumers < 2 ? resize() : every(SHARE_MS, source, signal, resize)
    const look = { row, places }
    looks.set(row.uid, look)
    const looking = every(LOOK_MS, source, signal, async () => {
      try {
        if (isShared()) all = await group.members()
        look.places = await group.places()
        told()
      } catch (error) {
        events.lagUnknown(error)
        look.places = []
      }
    })
    const open = stack.move()
    return {
      async [Symbol.asyncDispose]() {
        over.abort()
        await sharing
        await members.ended()
        await looking
        held.set(row.uid, (held.get(row.uid) ?? 1) - 1)
        if (held.get(row.uid) === 0) held.delete(row.uid)
        if (looks.get(row.uid) === look) looks.delete(row.uid)
        await open[Symbol.asyncDispose]()
      },
    }
  }

  /** Members beside the holder's, until there are to be none here. */
  async function share(source: FollowingSource<KafkaSourceRow>, events: KafkaEvents, signal: AbortSignal) {
    const { row, clock } = source
    const over = new AbortController()
    await using stack = new AsyncDisposableStack()
    const group = stack.use(await openGroup(await settingsOf(source)))
    const places = await group.places()
    const startOf = await keptStartPlaces(row, source.read, places)
    if (startOf === undefined) return
    const members = keepMembers({
      ...{ group, clock, events, random, startOf, take: takerOf(source, events), changed() {} },
      signal: AbortSignal.any([signal, over.signal]),
    })
    stack.defer(() => members.ended())
    stack.defer(() => over.abort())
    const isOver = () => signal.aborted || held.has(row.uid) || shareOf(source, places.length, false) === 0
    while (!isOver()) {
      members.resize(shareOf(source, places.length, false))
      await sleep(clock, SHARE_MS, signal)
    }
  }

  async function follow(source: FollowingSource<KafkaSourceRow>): Promise<AsyncDisposable> {
    const { row, clock } = source
    const events = kafkaEvents(shared, row)
    const over = new AbortController()
    const signal = AbortSignal.any([source.signal, over.signal])
    // One member is the holder's: nothing is ever shared
    if (row.consumers < 2) return { [Symbol.asyncDispose]: async () => over.abort() }
    const following = (async () => {
      for (let failures = 0; !signal.aborted; ) {
        await sleep(clock, SHARE_MS, signal)
        if (signal.aborted || held.has(row.uid) || shareOf(source, row.consumers, false) === 0) continue
        try {
          await share(source, events, signal)
          failures = 0
        } catch (error) {
          const delayMs = Math.min(SHARE_MS * 2 ** failures++, LONGEST_RETRY_MS)
          events.notShared(error, delayMs)
          await sleep(clock, delayMs, signal)
        }
      }
    })()
    return {
      async [Symbol.asyncDispose]() {
        over.abort()
        await following
      },
    }
  }
  return { hold, follow }
}

/** At once, and then again and again until the signal. */
async function every(
  ms: number,
  { clock }: Pick<FollowingSource, 'clock'>,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await work()
    await sleep(clock, ms, signal)
  }
}

/** Answers whether the record has come to its end: stored, or refused for good, which is said. */
function publisher({ row, outlet }: FollowingSource<KafkaSourceRow>, events: KafkaEvents) {
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

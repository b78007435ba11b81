import type { LogRow } from '@sluice/contract'
import type { BrokerSettings } from '@sluice/resources/settings'
import { brokerTopic, isOnKafka, wishes } from './backend.ts'
import type { BrokerConfig } from './broker-config.ts'
import { isFalse } from './conditions.ts'
import type { Context } from './context.ts'

const EXTERNAL = 'kafka.eventing.knative.dev/external.topic'
export const TOPIC_FIX =
  'a Broker takes a topic as it is where kafka.eventing.knative.dev/external.topic names it and sluice.dev/lanes is the number of its partitions'

/** What says whose topic it is stays as it was when the log was made. */
export function topicProblem(
  context: Context,
  former: LogRow | undefined,
  { externalTopic }: BrokerSettings,
  { driver }: { readonly driver?: string },
) {
  const refuse = (reason: string, problem: string) => isFalse('TriggerChannelReady', reason, `${EXTERNAL} ${problem}`)
  const stored = former !== undefined ? former.driver : driver
  if (externalTopic !== undefined && !isOnKafka(context, stored))
    return refuse('AnnotationInvalid', 'needs a Broker whose events Kafka stores: use the class Kafka, or remove it')
  const before = former?.backend?.isExternal === true ? former.backend.name : undefined
  return former === undefined || before === externalTopic
    ? undefined
    : refuse('TopicFixed', `stays ${before === undefined ? 'unset' : `"${before}"`} for the life of the Broker`)
}

/** As it was when the log was made. */
export function backendOf(
  context: Context,
  place: { readonly namespace: string; readonly name: string },
  { former, driver, topic, replicas }: Backend,
): Pick<LogRow, 'backend'> {
  if (former !== undefined) return former.backend === undefined ? {} : { backend: former.backend }
  if (!isOnKafka(context, driver)) return {}
  return { backend: wishes(topic ?? brokerTopic(place), topic !== undefined, replicas) }
}

interface Backend {
  readonly former: LogRow | undefined
  readonly driver: string | undefined
  readonly topic: string | undefined
  readonly replicas: number | undefined
}

/** Of Kafka's, that by size is of one partition, and ours of the whole log. */
export function retentionOf(
  { retention }: Pick<Context, 'retention'>,
  former: LogRow | undefined,
  said: Exclude<BrokerConfig, { reason: string }> | undefined,
  lanes: number,
): LogRow['retention'] {
  // What can't be read changes nothing
  if (former !== undefined && said === undefined) return former.retention
  const { maxAgeMs, maxBytesOfPartition } = said?.retention ?? {}
  return {
    maxAgeMs: maxAgeMs ?? retention.maxAgeMs,
    maxBytes:
      maxBytesOfPartition === undefined
        ? retention.maxBytes
        : Math.min(maxBytesOfPartition * lanes, Number.MAX_SAFE_INTEGER),
  }
}

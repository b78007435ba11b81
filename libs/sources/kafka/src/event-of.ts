import { isUtf8 } from 'node:buffer'
import { type AttributeValue, type CloudEvent, createEvent, withAttributes } from '@sluice/cloudevents'
import { KAFKA_TYPE, type KafkaSourceRow, kafkaSourceUri } from '@sluice/contract'
import { attributeOf } from './attribute-of.ts'
import { cloudEventOf } from './cloud-event-of.ts'
import { keyOf } from './key-of.ts'
import type { TopicRecord } from './record.ts'

const CONTENT_TYPE = 'content-type'
const HEADER = 'kafkaheader'
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+ *(;[ -~]*)?$/
/** No RFC 3339 timestamp goes beyond; a producer may have counted in another unit. */
const YEAR_10000 = Date.UTC(10_000, 0)
const MOST_INTEGER = 2 ** 31 - 1

/**
 * The event of a record, the same whoever makes it: the one that it holds, else one made of what is known of the record.
 * Both say where the record lies. Source: eventing-kafka-broker, CloudEventOverridesMutator.
 */
export function eventOf(record: TopicRecord, row: KafkaSourceRow): CloudEvent {
  const { partition, offset } = record
  return withAttributes(cloudEventOf(record) ?? eventAbout(record, row), {
    knativekafkapartition: partition,
    knativekafkaoffset: offset > MOST_INTEGER ? String(offset) : offset,
  })
}

/** Source: eventing-kafka-broker, InvalidCloudEventInterceptor. */
function eventAbout(record: TopicRecord, row: KafkaSourceRow): CloudEvent {
  const { topic, partition, offset, timestamp, value } = record
  const key = keyOf(record.key, row.keyType)
  const attributes = new Map<string, AttributeValue>([
    ['specversion', '1.0'],
    ['id', `partition:${partition}/offset:${offset}`],
    ['source', kafkaSourceUri(row, topic)],
    ['type', KAFKA_TYPE],
    ['subject', `partition:${partition}#${offset}`],
  ])
  if (timestamp >= 0 && timestamp < YEAR_10000) attributes.set('time', new Date(timestamp).toISOString())
  if (key !== undefined) attributes.set('partitionkey', key).set('key', key)
  for (const [name, bytes] of record.headers) {
    if (bytes === null) continue
    const contentType = name.toLowerCase() === CONTENT_TYPE ? mediaTypeOf(bytes) : undefined
    if (contentType !== undefined) attributes.set('datacontenttype', contentType)
    else attributes.set(HEADER + sanitised(name), attributeOf(bytes))
  }
  return createEvent(attributes, value ?? undefined)
}

/** Undefined for what an event may not say it is: it is a header like others then. */
function mediaTypeOf(bytes: Buffer): string | undefined {
  const text = isUtf8(bytes) ? bytes.toString('utf8').toLowerCase() : ''
  return MEDIA_TYPE.test(text) ? text : undefined
}

function sanitised(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

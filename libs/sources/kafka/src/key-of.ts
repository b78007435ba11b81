import type { AttributeValue } from '@sluice/cloudevents'
import type { KafkaSourceRow } from '@sluice/contract'
import { attributeOf } from './attribute-of.ts'
import { javaDouble, javaFloat } from './java-number.ts'

const INT_BYTES = 4
const FLOAT_BYTES = 4
const DOUBLE_BYTES = 8

/**
 * The key of a record as an attribute; undefined for no key and for an empty one. What has not the size of its type is
 * text. Source: eventing-kafka-broker, KeyDeserializer.
 */
export function keyOf(key: Buffer | null, type: KafkaSourceRow['keyType']): AttributeValue | undefined {
  if (key === null || key.length === 0) return undefined
  if (type === 'byte-array') return key.toString('base64')
  if (type === 'int' && key.length === INT_BYTES) return key.readInt32BE()
  if (type === 'float' && key.length === FLOAT_BYTES) return javaFloat(key.readFloatBE())
  if (type === 'float' && key.length === DOUBLE_BYTES) return javaDouble(key.readDoubleBE())
  return attributeOf(key)
}

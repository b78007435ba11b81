import { fileURLToPath } from 'node:url'
import { bytes, type ConfigOf, integer, originUrl, port, text } from '@sluice/config'

/** What standalone reads besides the platform's variables; the README's table is made from it. */
export const standaloneConfig = {
  ingressPort: port('INGRESS_PORT', { fallback: 8080, meaning: 'where events come in; 0 is any free port' }),
  ingressUrl: originUrl('INGRESS_URL', {
    fallback: undefined,
    meaning: 'where others reach the ingress, such as http://events.example:8080; unset, as this machine reaches it',
  }),
  dataDir: text('SLUICE_DATA_DIR', { fallback: '.sluice', meaning: 'folder of all that must survive' }),
  manifests: text('SLUICE_MANIFESTS', {
    fallback: fileURLToPath(new URL('../../../examples/quickstart', import.meta.url)),
    meaning: 'folder of Broker, Trigger and Service manifests; edits take effect within a second',
  }),
  maxEventBytes: bytes('MAX_EVENT_BYTES', {
    min: 65_536,
    max: 33_554_432,
    fallback: 1_048_576,
    meaning: 'largest event, attributes and data as stored',
  }),
  maxInFlightBytes: bytes('MAX_IN_FLIGHT_BYTES', {
    min: 131_072,
    max: 1_073_741_824,
    fallback: 67_108_864,
    meaning: 'requests being read and stored; beyond, 429',
  }),
  maxTtl: integer('MAX_TTL', { min: 1, max: 1_000_000, fallback: 255, meaning: 'hops of an event that names none' }),
  storeMaxBytes: bytes('STORE_MAX_BYTES', {
    min: 1_048_576,
    max: 1_099_511_627_776,
    fallback: 4_294_967_296,
    meaning: 'planned size of the store; a trigger may have a quarter of it waiting before producers get 429',
  }),
  retentionMaxBytes: bytes('RETENTION_MAX_BYTES', {
    min: 0,
    max: 1_099_511_627_776,
    fallback: 1_073_741_824,
    meaning: 'history kept per broker of what every trigger has passed, by size',
  }),
  retentionHours: integer('RETENTION_HOURS', { min: 0, max: 87_600, fallback: 24, meaning: 'the same, by age' }),
  parkedRetentionHours: integer('PARKED_RETENTION_HOURS', {
    min: 1,
    max: 87_600,
    fallback: 168,
    meaning: 'how long parked events are kept before they are deleted',
  }),
}

export type StandaloneConfig = ConfigOf<typeof standaloneConfig>

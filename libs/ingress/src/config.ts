import { bytes, integer, originUrl, port } from '@sluice/config'
import { DEFAULT_MAX_TTL } from './admission.ts'

/** What every event passes on its way into a log, from a producer or as a reply. */
export const admissionConfig = {
  maxEventBytes: bytes('MAX_EVENT_BYTES', {
    ...{ min: 65_536, max: 33_554_432, fallback: 1_048_576 },
    meaning: 'largest event, attributes and data as stored',
  }),
  maxTtl: integer('MAX_TTL', {
    ...{ min: 1, max: 1_000_000, fallback: DEFAULT_MAX_TTL },
    meaning: 'hops of an event that names none',
  }),
}

/** The variables of an ingress, in whatever process it runs. */
export const ingressConfig = {
  ingressPort: port('INGRESS_PORT', { fallback: 8080, meaning: 'where events come in; 0 is any free port' }),
  ...admissionConfig,
  maxInFlightBytes: bytes('MAX_IN_FLIGHT_BYTES', {
    ...{ min: 131_072, max: 1_073_741_824, fallback: 67_108_864 },
    meaning: 'requests being read and stored; beyond, 429',
  }),
}

/** Where the ingress is, for whoever names it to others. */
export const ingressUrl = originUrl('INGRESS_URL', {
  fallback: undefined,
  meaning: 'where others reach the ingress, such as http://events.example:8080; unset, as this machine reaches it',
})

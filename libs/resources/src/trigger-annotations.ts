import { bytes, duration, flag, oneOf, only, perSecond, wholeNumber } from './annotations.ts'
import { shown } from './problem.ts'

export const ORDER = 'sluice.dev/order'
export const KAFKA_ORDER = 'kafka.eventing.knative.dev/delivery.order'

/** Annotations of a Trigger: those of Sluice, and their neighbour of Kafka's. */
export const TRIGGER_ANNOTATIONS = {
  [KAFKA_ORDER]: oneOf('ordered', 'unordered'),
  'sluice.dev/backlog-full': only('block', ['shed']),
  'sluice.dev/backlog-max': bytes,
  'sluice.dev/max-in-flight': wholeNumber(1, 1000),
  'sluice.dev/strict-replies': flag,
  [ORDER]: oneOf('none', 'key', 'lane'),
  'sluice.dev/rate': perSecond,
  'sluice.dev/suspend': flag,
  'sluice.dev/dedup-window': duration('24 hours', 86_400_000),
}

/** Both may be there, if they say the same. */
export function disagreement(own: string | undefined, kafka: string | undefined): string | undefined {
  if (own === undefined || kafka === undefined) return undefined
  if ((own === 'none') === (kafka === 'unordered')) return undefined
  return `says ${shown(own)} and ${KAFKA_ORDER} says ${shown(kafka)}: remove one`
}

import { type Annotation, bytes, only, refused, wholeNumber } from './annotations.ts'
import { shown } from './problem.ts'

const attributeName: Annotation<string> = Object.assign(
  (text: string) =>
    /^[a-z][a-z0-9]*$/.test(text)
      ? { value: text }
      : { problem: `must be the name of an event attribute, lower-case letters and digits, found ${shown(text)}` },
  { cel: "text.matches('^[a-z][a-z0-9]*$')" },
)

export const EXTERNAL_TOPIC = 'kafka.eventing.knative.dev/external.topic'

const topicName: Annotation<string> = Object.assign(
  (text: string) =>
    /^[A-Za-z0-9._-]{1,249}$/.test(text) && !/^[.]{1,2}$/.test(text)
      ? { value: text }
      : { problem: `must be the name of a Kafka topic, letters, digits, ".", "_" and "-", found ${shown(text)}` },
  { cel: "text.matches('^[A-Za-z0-9._-]{1,249}$') && !text.matches('^[.]{1,2}$')" },
)

/** Annotations of a Broker: those of Sluice, and their neighbour of Kafka's. */
export const BROKER_ANNOTATIONS = {
  [EXTERNAL_TOPIC]: topicName,
  'sluice.dev/backlog-full': only('block', ['shed']),
  'sluice.dev/backlog-max': bytes,
  'sluice.dev/lanes': wholeNumber(1, 64),
  'sluice.dev/order-key': attributeName,
  'sluice.dev/dedup-window': refused('remove it, or set it on Triggers'),
}

import { type Annotation, bytes, only, refused, wholeNumber } from './annotations.ts'
import { shown } from './problem.ts'

const attributeName: Annotation<string> = Object.assign(
  (text: string) =>
    /^[a-z][a-z0-9]*$/.test(text)
      ? { value: text }
      : { problem: `must be the name of an event attribute, lower-case letters and digits, found ${shown(text)}` },
  { cel: "text.matches('^[a-z][a-z0-9]*$')" },
)

/** Annotations of a Broker. */
export const BROKER_ANNOTATIONS = {
  'sluice.dev/backlog-full': only('block', ['shed']),
  'sluice.dev/backlog-max': bytes,
  'sluice.dev/lanes': wholeNumber(1, 64),
  'sluice.dev/order-key': attributeName,
  'sluice.dev/dedup-window': refused('remove it, or set it on Triggers'),
}

import { nearest } from '@sluice/errors'
import { durationInCel, parseDuration } from './duration.ts'
import { shown } from './problem.ts'
import { parseBytes } from './quantity.ts'

/** Reads one annotation's text, or says what it must be. `refused` names what is known and not done yet. */
export interface Annotation<T> {
  (text: string): { value: T } | Refusal
  /** CEL that is true of such a `text`, as far as CEL can say; absent: of any. */
  readonly cel?: string
}

function withCel<T>(cel: string, read: (text: string) => { value: T } | Refusal): Annotation<T> {
  return Object.assign(read, { cel })
}

const inCel = (texts: readonly string[]) => `text in [${texts.map((text) => `'${text}'`).join(', ')}]`

/** `isName`: the annotation itself is the problem, whatever its text. */
interface Refusal {
  readonly problem: string
  readonly isName?: true
}

export function wholeNumber(min: number, max: number): Annotation<number> {
  const cel = `text.matches('^[0-9]{1,9}$') && int(text) >= ${min} && int(text) <= ${max}`
  return withCel(cel, (text) =>
    /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max
      ? { value: Number(text) }
      : { problem: `must be a whole number from ${min} to ${max}, found ${shown(text)}` },
  )
}

const QUANTITY = '^[0-9]{1,18}([.][0-9]{1,9})?([eE][0-9]{1,2}|[kMGTP]|[KMGTP]i)?$'

export const bytes = withCel(`text.matches('${QUANTITY}') && text.matches('[1-9]')`, (text) => {
  const value = parseBytes(text)
  return value === undefined
    ? { problem: `must be a quantity of bytes such as "64Mi" or "1G", found ${shown(text)}` }
    : { value }
})

export const flag = withCel(inCel(['true', 'false']), (text) =>
  text === 'true' || text === 'false'
    ? { value: text === 'true' }
    : { problem: `must be "true" or "false", found ${shown(text)}` },
)

export function oneOf<T extends string>(...accepted: readonly T[]): Annotation<T> {
  return withCel(inCel(accepted), (text) => {
    const value = accepted.find((each) => each === text)
    return value === undefined
      ? { problem: `must be ${accepted.map(shown).join(' or ')}, found ${shown(text)}` }
      : { value }
  })
}

/** One accepted value; `later` are those that are known and not supported yet. */
export function only(accepted: string, later: readonly string[] = []): Annotation<string> {
  return withCel(inCel([accepted]), (text) => {
    if (text === accepted) return { value: text }
    const why = later.includes(text) ? 'is not supported yet: use' : 'must be'
    return { problem: `${why} ${shown(accepted)}, found ${shown(text)}` }
  })
}

const PER_SECOND = "text.matches('^[0-9]{1,7}([.][0-9]{1,3})?$') && double(text) > 0.0 && double(text) <= 1000000.0"

/** Events per second: more than nothing, up to a million, with up to three decimals. */
export const perSecond = withCel(PER_SECOND, (text) => {
  const value = /^\d{1,7}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  return value > 0 && value <= 1_000_000
    ? { value }
    : { problem: `must be a number of events per second from 0.001 to 1000000, found ${shown(text)}` }
})

/** An ISO 8601 duration from 1 ms to `maxMs`, which `max` names. */
export function duration(max: string, maxMs: number): Annotation<number> {
  return withCel(`${durationInCel('text')} && text.matches('[1-9]')`, (text) => {
    const read = parseDuration(text)
    if ('problem' in read) return { problem: `${read.problem}, found ${shown(text)}` }
    return read.ms > 0 && read.ms <= maxMs
      ? { value: read.ms }
      : { problem: `must be longer than nothing and at most ${max}, found ${shown(text)}` }
  })
}

export function refused(fix: string): Annotation<never> {
  return withCel('false', () => ({ problem: `is not supported yet: ${fix}`, isName: true }))
}

/** Where an annotation found on the wrong kind belongs. */
const BELONGS_ON: Readonly<Record<string, string>> = {
  'eventing.knative.dev/broker.class': 'Broker',
  'kafka.eventing.knative.dev/external.topic': 'Broker',
  'sluice.dev/lanes': 'Broker',
  'sluice.dev/order-key': 'Broker',
  'sluice.dev/max-in-flight': 'Trigger',
  'sluice.dev/order': 'Trigger',
  'sluice.dev/rate': 'Trigger',
  'sluice.dev/suspend': 'Trigger',
  'kafka.eventing.knative.dev/delivery.order': 'Trigger',
  'sluice.dev/strict-replies': 'Trigger',
  'sluice.dev/url': 'Service',
  'sluice.dev/missed-ticks': 'PingSource',
  'sluice.dev/webhook': 'GitHubSource',
  'sluice.dev/webhook-scope': 'GitHubSource',
  'sluice.dev/event-format': 'GitHubSource',
  'sluice.dev/allow-sha1': 'GitHubSource',
  'sluice.dev/initial-listing': 'ApiServerSource',
}

/** Written by Knative's webhooks, without meaning for events. */
const HARMLESS = new Set(['eventing.knative.dev/creator', 'eventing.knative.dev/lastModifier'])

/** What is wrong with an annotation of ours or Knative's that the kind does not have; undefined for those of others. */
export function unknownAnnotation(name: string, known: readonly string[]): Refusal | undefined {
  const domain = name.split('/')[0] ?? ''
  if (!/(^|\.)(sluice|knative)\.dev$/.test(domain) || !name.includes('/') || HARMLESS.has(name)) return undefined
  if (Object.hasOwn(BELONGS_ON, name)) return { problem: `belongs on a ${BELONGS_ON[name]}`, isName: true }
  const near = nearest(name, known)
  if (near !== undefined) return { problem: `is not an annotation of this kind: did you mean "${near}"?`, isName: true }
  const others = known.length === 0 ? '' : `, or use one of ${known.join(', ')}`
  return { problem: `is not an annotation of this kind: remove it${others}`, isName: true }
}

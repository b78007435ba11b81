import { broker, trigger } from '../../e2e/manifests.ts'
import { hashOf, type Random, seededRandom } from '../random.ts'

/** What events are of; each is an event type. */
export const KINDS = ['a', 'b', 'c', 'd'] as const
/** What replies are of. */
const REPLIES = ['x', 'y'] as const

/** What becomes of an event at a subscriber that is there, or at its dead letter sink. */
export interface Script {
  /** Answers to the requests before the last. */
  readonly failures: readonly (number | 'reset')[]
  /** The last answer. */
  readonly last: number
  readonly delayMs: number
}

export type End = 'delivered' | 'dead-lettered' | 'parked'

/** What is to become of one event at one trigger. */
export interface Plan {
  /** Undefined: nobody listens there. */
  readonly subscriber: Script | undefined
  readonly deadLetterSink: Script | undefined
  readonly end: End
}

export interface ChaosTrigger {
  readonly name: string
  /** Kind it takes; undefined takes everything, replies too. */
  readonly kind: string | undefined
  /** One request at a time: what has one order key arrives in the order of storing. */
  readonly isOrdered: boolean
  /** Kind of its replies. */
  readonly replies: string | undefined
  readonly hasDeadLetterSink: boolean
  /** False: nobody listens there. */
  readonly isThere: boolean
  readonly retry: number
  plan(id: string): Plan
}

const PASSING = [503, 500, 429, 408, 404, 'reset'] as const
/** More than failures of any script: what a kill interrupts is not an attempt, so no script runs out of retries. */
const MANY_RETRIES = 10
const FEW_RETRIES = 2
const SLOW_MS = { from: 30, to: 600 }

const accepted = (): Script => ({ failures: [], last: 204, delayMs: 0 })
const delivered = (subscriber: Script): Plan => ({ subscriber, deadLetterSink: undefined, end: 'delivered' })
const failing = (random: Random, n: number) =>
  Array.from({ length: n }, () => PASSING[random.between(0, PASSING.length - 1)] ?? 503)
const exhausted = (status: number): Script => ({
  failures: Array(FEW_RETRIES).fill(status),
  last: status,
  delayMs: 0,
})
const deadLettered = (subscriber: Script | undefined, random: Random): Plan => ({
  subscriber,
  deadLetterSink: { ...accepted(), failures: failing(random, random.between(0, 1)) },
  end: 'dead-lettered',
})

type Made = Omit<ChaosTrigger, 'plan'> & { readonly script: (random: Random) => Plan }

function made(name: string, kind: string | undefined, script: Made['script'], more: Partial<Made> = {}): Made {
  const plain = { isOrdered: false, replies: undefined, hasDeadLetterSink: false, isThere: true, retry: MANY_RETRIES }
  return { name, kind, ...plain, script, ...more }
}

const fast = () => delivered(accepted())
const slow = (random: Random) => delivered({ ...accepted(), delayMs: random.between(SLOW_MS.from, SLOW_MS.to) })
const flaky = (random: Random) => delivered({ ...accepted(), failures: failing(random, random.between(0, 3)) })
const replying = () => delivered({ ...accepted(), last: 200 })
const few = { retry: FEW_RETRIES }
const fewThenSink = { ...few, hasDeadLetterSink: true }

const MADE: readonly Made[] = [
  made('fast-a', 'a', fast),
  made('fast-b', 'b', fast),
  made('fast-c', 'c', fast),
  made('fast-all', undefined, fast),
  made('fast-x', 'x', fast),
  made('ordered-a', 'a', fast, { isOrdered: true }),
  made('ordered-c', 'c', fast, { isOrdered: true }),
  made('slow-a', 'a', slow),
  made('slow-b', 'b', slow),
  made('slow-d', 'd', slow),
  made('flaky-b', 'b', flaky),
  made('flaky-c', 'c', flaky),
  made('flaky-d', 'd', flaky),
  made('replying-a', 'a', replying, { replies: 'x' }),
  made(
    'replying-d',
    'd',
    (random) => delivered({ ...accepted(), failures: failing(random, random.between(0, 1)), last: 200 }),
    {
      replies: 'y',
    },
  ),
  made(
    'half-dead-y',
    'y',
    (random) => (random.between(0, 1) === 0 ? fast() : deadLettered(exhausted(503), random)),
    fewThenSink,
  ),
  made('dead-a', 'a', (random) => deadLettered(exhausted(500), random), fewThenSink),
  made('refusing-b', 'b', (random) => deadLettered({ ...accepted(), last: 400 }, random), fewThenSink),
  // Without retries: with some its circuit opens, and what waits for a probe ends long after the run
  made('nobody-c', 'c', () => ({ subscriber: undefined, deadLetterSink: undefined, end: 'parked' }), {
    retry: 0,
    isThere: false,
  }),
  made(
    'dead-twice-d',
    'd',
    () => ({ subscriber: exhausted(503), deadLetterSink: exhausted(502), end: 'parked' }),
    fewThenSink,
  ),
]

/** The twenty triggers of the scenario; the seed writes the script of every event at every one of them. */
export function triggersOf(seed: number): readonly ChaosTrigger[] {
  return MADE.map(({ script, ...rest }) => ({
    ...rest,
    plan: (id: string) => script(seededRandom(hashOf(`${seed}/${rest.name}/${id}`))),
  }))
}

/** Every event, reply or not, has its kind in its id. */
export const kindOf = (id: string): string => id.slice(0, 1)
export const takes = ({ kind }: ChaosTrigger, id: string): boolean => kind === undefined || kind === kindOf(id)

/** A reply's id says whose answer it is. */
export const replyId = (trigger: ChaosTrigger, id: string): string => `${trigger.replies}-${trigger.name}/${id}`
/** The event that a reply answers; the id itself of what is none. */
export const originOf = (id: string): string =>
  (REPLIES as readonly string[]).includes(kindOf(id)) ? id.slice(id.indexOf('/') + 1) : id
export const typeOf = (kind: string): string => `dev.sluice.chaos.${kind}`

/** A Broker and the triggers, as a person would write them. */
export function manifestsOf(
  triggers: readonly ChaosTrigger[],
  { sink, nobody }: { sink: string; nobody: string },
): string {
  const documents = triggers.map(({ name, kind, isOrdered, isThere, hasDeadLetterSink, retry }) =>
    trigger(name, {
      uri: isThere ? `${sink}/subscriber/${name}` : nobody,
      ...(kind === undefined ? {} : { attributes: { type: typeOf(kind) } }),
      ...(isOrdered ? { annotations: { 'sluice.dev/max-in-flight': '1' } } : {}),
      delivery: {
        retry,
        ...{ backoffPolicy: 'linear', backoffDelay: 'PT0.2S' },
        ...(hasDeadLetterSink ? { deadLetterSink: { uri: `${sink}/dead-letter-sink/${name}` } } : {}),
      },
    }),
  )
  return broker() + documents.join('')
}

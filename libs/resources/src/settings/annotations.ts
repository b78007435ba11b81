import type { Annotation } from '../annotations.ts'
import { BROKER_ANNOTATIONS, EXTERNAL_TOPIC } from '../broker-annotations.ts'
import { disagreement, KAFKA_ORDER, ORDER, TRIGGER_ANNOTATIONS } from '../trigger-annotations.ts'

export interface BrokerSettings {
  readonly orderKey: string
  /** Absent: nobody said. */
  readonly lanes?: number
  readonly backlogMaxBytes?: number
  /** Somebody else's topic that is its log. */
  readonly externalTopic?: string
}

export interface TriggerSettings {
  readonly maxInFlight: number
  readonly strictReplies: boolean
  readonly order?: 'key' | 'lane'
  readonly ratePerSecond?: number
  readonly suspend?: true
  readonly dedupWindowMs?: number
  readonly backlogMaxBytes?: number
}

/** `problem` names every annotation that can't be read. Admission refuses them where it can; a cluster's may not be there. */
export type Reading<T> = { readonly value: T } | { readonly problem: string }

type Texts = Readonly<Record<string, string>>

export function brokerSettings(given: Texts): Reading<BrokerSettings> {
  const read = readAnnotations(BROKER_ANNOTATIONS, given)
  if ('problem' in read) return read
  const lanes = read.value['sluice.dev/lanes']
  const backlogMaxBytes = read.value['sluice.dev/backlog-max']
  const externalTopic = read.value[EXTERNAL_TOPIC]
  return {
    value: {
      ...(externalTopic !== undefined && { externalTopic }),
      orderKey: read.value['sluice.dev/order-key'] ?? 'partitionkey',
      ...(lanes !== undefined && { lanes }),
      ...(backlogMaxBytes !== undefined && { backlogMaxBytes }),
    },
  }
}

/** What Knative's Kafka broker promises of `ordered` is the order of a key; that it holds up others too is no promise. */
const KNATIVE_ORDER = { ordered: 'key', unordered: 'none' } as const

export function triggerSettings(given: Texts): Reading<TriggerSettings> {
  const read = readAnnotations(TRIGGER_ANNOTATIONS, given)
  if ('problem' in read) return read
  const twice = disagreement(given[ORDER], given[KAFKA_ORDER])
  if (twice !== undefined) return { problem: `${ORDER} ${twice}` }
  const { value } = read
  const order = value[ORDER] ?? KNATIVE_ORDER[value[KAFKA_ORDER] ?? 'unordered']
  const ratePerSecond = value['sluice.dev/rate']
  const dedupWindowMs = value['sluice.dev/dedup-window']
  const backlogMaxBytes = value['sluice.dev/backlog-max']
  return {
    value: {
      maxInFlight: value['sluice.dev/max-in-flight'] ?? 256,
      strictReplies: value['sluice.dev/strict-replies'] ?? false,
      ...(order !== 'none' && { order }),
      ...(value['sluice.dev/suspend'] === true && { suspend: true as const }),
      ...(ratePerSecond !== undefined && { ratePerSecond }),
      ...(dedupWindowMs !== undefined && { dedupWindowMs }),
      ...(backlogMaxBytes !== undefined && { backlogMaxBytes }),
    },
  }
}

type Values<A> = { readonly [K in keyof A]?: A[K] extends Annotation<infer T> ? T : never }

/** Those of `known` that are given; every problem, by name. */
export function readAnnotations<A extends Readonly<Record<string, Annotation<unknown>>>>(
  known: A,
  given: Texts,
): Reading<Values<A>> {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, read] of Object.entries(known)) {
    const text = given[name]
    if (text === undefined) continue
    const answer = read(text)
    if ('value' in answer) values[name] = answer.value
    else problems.push(`${name} ${answer.problem}`)
  }
  return problems.length > 0 ? { problem: problems.join('; ') } : { value: values as Values<A> }
}

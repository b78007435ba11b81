import { setTimeout as wait } from 'node:timers/promises'
import { type LoadRequest, type LoadResult, type Posting, posting, postMany } from '@sluice/testkit'
import { hashOf, seededRandom } from '../random.ts'
import { KINDS, typeOf } from './triggers.ts'

/** Each posts one event after the other, so that what it sent first is stored first. */
const PRODUCERS = 12
const KEYS_EACH = 3
/** An event of a producer whose last request broke goes on after this long. */
const AGAIN_MS = 25
/** Services that are up take everything within this time after the load. */
const RECOVERY_MS = 60_000

export interface Produced {
  /** Ids answered 202, each producer's in its order. */
  readonly accepted: readonly string[]
  /** Ids never answered 202 although they were posted again and again. */
  readonly gaveUp: readonly string[]
  readonly refused: LoadResult['refused']
  /** How often each event may have been stored beyond the once of its 202. */
  readonly perhapsStored: ReadonlyMap<string, number>
  /** When its 202 came, monotonic. */
  readonly acceptedAt: ReadonlyMap<string, number>
  /** Those that took longest in each second of the test, by the second in which they began. */
  readonly slowest: ReadonlyMap<number, LoadRequest>
}

export interface ProducerOptions {
  readonly seed: number
  /** Where each may post; one that breaks sends the producer to the next. */
  readonly urls: readonly string[]
  readonly eventsPerSecond: number
  readonly signal: AbortSignal
  /** Nothing is up any more: gives up at once. */
  readonly givenUp: AbortSignal
}

/** `a-7-12` is event 12 of producer 7, of kind a. */
export const orderKeyOf = (id: string): string => {
  const [, producer, n = '0'] = id.split('-')
  return `${producer}-${Number(n) % KEYS_EACH}`
}

/** Posts at a steady pace until the signal, then brings what is under way to its 202. */
export async function produce(options: ProducerOptions): Promise<Produced> {
  const acceptedAt = new Map<string, number>()
  const slowest = new Map<number, LoadRequest>()
  const onRequest = (request: LoadRequest) => {
    const { id, at, endedAt, status } = request
    if (status === 202) acceptedAt.set(id, endedAt)
    const second = Math.floor(at / 1_000)
    const longest = slowest.get(second)
    if (longest === undefined || endedAt - at > longest.endedAt - longest.at) slowest.set(second, request)
  }
  const timeoutMs = 2 ** 31 - 1
  const ended = new AbortController()
  options.signal.addEventListener('abort', () => setTimeout(() => ended.abort(), RECOVERY_MS).unref(), { once: true })
  const results = await Promise.all(
    Array.from({ length: PRODUCERS }, (_, producer) => {
      return postMany({
        ...{ url: { urls: options.urls, at: producer }, events: eventsOf(producer, options), connections: 1 },
        ...{
          again: { pauseMs: AGAIN_MS },
          onRequest,
          timeoutMs,
          signal: AbortSignal.any([ended.signal, options.givenUp]),
        },
      })
    }),
  )
  const perhapsStored = new Map<string, number>()
  for (const id of results.flatMap(({ unanswered, failed }) => [...unanswered, ...failed])) {
    perhapsStored.set(id, (perhapsStored.get(id) ?? 0) + 1)
  }
  return {
    accepted: results.flatMap(({ accepted }) => accepted),
    gaveUp: results.flatMap(({ gaveUp }) => gaveUp),
    refused: results.flatMap(({ refused }) => refused),
    perhapsStored,
    acceptedAt,
    slowest,
  }
}

/** The pauses between events come from the seed as the events do. */
async function* eventsOf(
  producer: number,
  { seed, eventsPerSecond, signal }: ProducerOptions,
): AsyncGenerator<Posting> {
  const random = seededRandom(hashOf(`${seed}/producer ${producer}`))
  const pauseMs = (1_000 * PRODUCERS) / eventsPerSecond
  let due = performance.now()
  for (let n = 0; !signal.aborted; n += 1) {
    const kind = KINDS[random.between(0, KINDS.length - 1)] ?? KINDS[0]
    // After an outage the pace goes on, it does not catch up.
    due = Math.max(due, performance.now() - pauseMs) + random.between(0, Math.round(2 * pauseMs))
    await wait(Math.max(0, due - performance.now()))
    const id = `${kind}-${producer}-${n}`
    yield posting(id, { type: typeOf(kind), partitionkey: orderKeyOf(id) }, 300)
  }
}

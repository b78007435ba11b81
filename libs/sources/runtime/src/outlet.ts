import { type Clock, sleep } from '@sluice/clock'
import { type CloudEvent, encodeBinary, withAttributes } from '@sluice/cloudevents'
import type { SourceRow } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import { endpointOf, type Outgoing, retryAfterMs } from '@sluice/sender'
import type { Telemetry } from '@sluice/telemetry'
import type { SourceEvents } from './events.ts'
import { type Verdict, verdictOf } from './verdict.ts'

export type Published =
  /** The installation holds the event; what becomes of it is its log's business. */
  | { readonly outcome: 'stored' }
  /** It never takes this event: counted, logged, said in the status. The source goes on without it. */
  | { readonly outcome: 'refused'; readonly status: number; readonly problem: string }
  /** Given up by whoever asked; it may have been stored. */
  | { readonly outcome: 'aborted' }

export type Offered =
  | Published
  /** Not now; `status` 0: no answer at all. `retryAfterMs`: what the installation asked to wait, 0 where it did not. */
  | {
      readonly outcome: 'unavailable'
      readonly status: number
      readonly problem: string
      readonly retryAfterMs: number
    }

/** The one way out of a source, to the ingress of this installation. Safe for concurrent use; never rejects. */
export interface SourceOutlet {
  /**
   * Posts the same event, with the same id, until it is stored or refused for good: for whoever pulls, and so stops
   * pulling meanwhile. `traceparent`: of the request that the event comes from.
   */
  publish(event: CloudEvent, signal: AbortSignal, traceparent?: string): Promise<Published>
  /** Posts once, and answers what came of it: for receivers, whose own clients try again. */
  offer(event: CloudEvent, signal: AbortSignal, traceparent?: string): Promise<Offered>
}

/** What the outlet says of the source's health. */
export interface OutletWatcher {
  stored(): void
  refused(problem: string): void
  unavailable(problem: string): void
}

export interface OutletDeps {
  readonly row: SourceRow
  readonly sender: Pick<Outgoing, 'adopt' | 'forget' | 'post'>
  readonly clock: Clock
  readonly telemetry: Pick<Telemetry, 'startSpan'>
  readonly events: SourceEvents
  readonly watcher: OutletWatcher
  /** Of one request. */
  readonly timeoutMs: number
  /** For jitter, in [0, 1). */
  readonly random: () => number
}

/** An outlet and how long its oldest event waits. */
export interface OpenedOutlet extends SourceOutlet, Disposable {
  waitingMs(): number
}

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000
const LONGEST_RETRY_AFTER_MS = 60_000
const JITTER = 0.2

export function openOutlet(deps: OutletDeps): OpenedOutlet {
  const { row, sender, clock, telemetry, events, watcher, timeoutMs, random } = deps
  // As every receive adapter sends it. Source: knative/eventing pkg/adapter/v2/cloudevents.go
  const endpoint = endpointOf(row.target, { namespace: row.namespace, spec: { timeoutMs } }, 'ingress')
  const overrides = lowerCased(row.ceOverrides ?? {})
  /** When the events that wait were first posted, oldest first: a Set keeps its order. */
  const waiting = new Set<{ readonly since: number }>()
  sender.adopt(endpoint)

  const post = async (event: CloudEvent, signal: AbortSignal, traceparent: string | undefined): Promise<Verdict> => {
    if (signal.aborted) return { kind: 'aborted' }
    const { headers, body } = encodeBinary(event)
    headers.push(...endpoint.headers)
    const span = telemetry.startSpan?.('source', 'client', traceparent, { 'url.full': endpoint.url })
    const parent = span?.traceparent ?? traceparent
    if (parent !== undefined) headers.push('traceparent', parent)
    const startedAt = clock.monotonic()
    const answer = await orAborted(sender.post(endpoint, { headers, body, wantsReply: false }), signal)
    events.answered(clock.monotonic() - startedAt)
    if (answer.kind === 'response') span?.setStatus(answer.status)
    span?.end(answer.kind === 'response' ? undefined : answer.kind)
    return verdictOf(answer)
  }

  const settled = (verdict: Exclude<Verdict, { kind: 'unavailable' }>, event: CloudEvent): Published => {
    if (verdict.kind === 'aborted') return { outcome: 'aborted' }
    if (verdict.kind === 'stored') {
      events.stored()
      watcher.stored()
      return { outcome: 'stored' }
    }
    const { status, problem } = verdict
    events.refused({ id: event.attributes.get('id'), status, problem })
    watcher.refused(problem)
    return { outcome: 'refused', status, problem }
  }

  const asSent = (event: CloudEvent): CloudEvent =>
    withAttributes(event, {
      ...(!event.attributes.has('time') && { time: new Date(clock.now()).toISOString() }),
      ...overrides,
    })

  const offer: SourceOutlet['offer'] = async (event, signal, traceparent) => {
    const verdict = await post(event, signal, traceparent)
    if (verdict.kind !== 'unavailable') return settled(verdict, event)
    const { status, problem, retryAfter } = verdict
    watcher.unavailable(problem)
    const askedMs = retryAfterMs(retryAfter, LONGEST_RETRY_AFTER_MS, clock.now())
    return { outcome: 'unavailable', status, problem, retryAfterMs: askedMs }
  }

  const publish: SourceOutlet['publish'] = async (event, signal, traceparent) => {
    const wait = { since: clock.monotonic() }
    waiting.add(wait)
    try {
      for (let failures = 0; ; failures++) {
        const offered = await offer(event, signal, traceparent)
        if (offered.outcome !== 'unavailable') {
          if (offered.outcome === 'stored' && failures > 0) events.resumed(clock.monotonic() - wait.since)
          return offered
        }
        const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS) * (1 + JITTER * random())
        const delayMs = Math.max(backoffMs, offered.retryAfterMs)
        events.retried({ id: event.attributes.get('id'), status: offered.status, delayMs }, failures === 0)
        await sleep(clock, delayMs, signal)
      }
    } finally {
      waiting.delete(wait)
    }
  }

  /** What a row sets may be no attribute; then no event of it ever is one. */
  const sending =
    <O extends Offered>(send: (event: CloudEvent, signal: AbortSignal, traceparent?: string) => Promise<O>) =>
    async (given: CloudEvent, signal: AbortSignal, traceparent?: string): Promise<O | Published> => {
      let event: CloudEvent
      try {
        event = asSent(given)
      } catch (error) {
        const problem = isFailure(error, 'EVENT_INVALID') ? error.message : 'is no event with what is set on it'
        return settled({ kind: 'refused', status: 0, problem }, given)
      }
      return send(event, signal, traceparent)
    }

  return {
    publish: sending(publish),
    offer: sending(offer),
    waitingMs() {
      const [oldest] = waiting
      return oldest === undefined ? 0 : clock.monotonic() - oldest.since
    },
    [Symbol.dispose]: () => sender.forget(endpoint),
  }
}

/** Knative takes names in upper case and sets them in lower. Source: cloudevents/sdk-go, event/extensions.go. */
function lowerCased(overrides: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(overrides).map(([name, value]) => [name.toLowerCase(), value]))
}

/** A request that nobody waits for any more goes on to its own deadline. */
function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | { readonly kind: 'aborted' }> {
  return new Promise((resolve, reject) => {
    const abort = () => resolve({ kind: 'aborted' })
    signal.addEventListener('abort', abort, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

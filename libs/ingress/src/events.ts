import type { LogRow } from '@sluice/contract'
import type { FailureCode } from '@sluice/errors'
import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'

/** Seconds. Source: knative/eventing pkg/observability, the buckets of kn.eventing.dispatch.duration. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Everything that can happen in the ingress: its counter and its log line in one place. Never event data. */
export interface IngressEvents {
  /** What happens to the events of one log; bound once, so that counting is an addition. */
  forLog(log: Pick<LogRow, 'kind' | 'namespace' | 'name'>): BrokerEvents
  refused(code: FailureCode): void
  failed(error: unknown): void
  acceptFailed(error: unknown): void
  channelFailed(log: LogRow, error: unknown): void
  gateClosed(log: LogRow, full: string): void
  gateOpened(log: LogRow): void
  gateBlind(log: LogRow, error: unknown): void
  eventBoundLowered(fields: { readonly driver: string; readonly maxEventBytes: number }): void
}

export interface BrokerEvents {
  stored(count: number, durationMs: number): void
}

export function ingressEvents(telemetry: Telemetry): IngressEvents {
  const { log } = telemetry
  const accepted = telemetry.counter('ingress_events_accepted_total', { description: 'Events stored and answered 202' })
  const refused = telemetry.counter('ingress_requests_refused_total', {
    description: 'Requests answered with anything but 200 or 202, on purpose, by failure code',
  })
  const duration = telemetry.histogram('kn.eventing.dispatch.duration', {
    description: 'Time until the channel held the events of a request',
    unit: 's',
    buckets: DURATION_BUCKETS,
  })
  return {
    forLog({ kind, namespace, name }) {
      const labels = { [`kn.${kind}.namespace`]: namespace, [`kn.${kind}.name`]: name }
      const counter = accepted.bind({ namespace, [kind]: name })
      return {
        stored(count, durationMs) {
          counter.add(count)
          duration.record(durationMs / 1000, labels)
        },
      }
    },
    refused(code) {
      refused.add(1, { code })
    },
    failed(error) {
      log.error({ failure: failureOf(error), err: error }, 'request failed')
    },
    acceptFailed(error) {
      log.error({ err: error }, 'connection could not be accepted')
    },
    channelFailed(row, error) {
      log.error({ ...nameOf(row), failure: failureOf(error) }, 'channel could not be made')
    },
    gateClosed(row, full) {
      log.warn({ ...nameOf(row), full }, 'backlog full, events are refused')
    },
    gateOpened(row) {
      log.info({ namespace: row.namespace, broker: row.name }, 'backlog below its bound, events are accepted')
    },
    gateBlind(row, error) {
      log.warn({ ...nameOf(row), failure: failureOf(error) }, 'backlog could not be read')
    },
    eventBoundLowered(fields) {
      log.warn(fields, 'the channel takes smaller events than configured, its bound holds')
    },
  }
}

function nameOf({ kind, namespace, name }: LogRow): Readonly<Record<string, string>> {
  return { namespace, [kind]: name }
}

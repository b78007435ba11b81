import type { SourceRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Counter, Histogram, Labels, Logger, Telemetry } from '@sluice/telemetry'

type Named = Pick<SourceRow, 'kind' | 'namespace' | 'name'>

/** The instruments and log lines that all sources of a service share. */
export interface SourcesTelemetry {
  readonly log: Logger
  readonly events: Counter
  readonly retries: Counter
  readonly duration: Histogram
}

export function sourcesTelemetry(telemetry: Telemetry): SourcesTelemetry {
  const counter = (name: string, description: string) => telemetry.counter(name, { description })
  return {
    log: telemetry.log,
    events: counter('source_events_total', 'Events of sources that came to an end, by source and outcome'),
    retries: counter('source_retries_total', 'Times an event of a source could not be stored yet, by source'),
    duration: telemetry.histogram('kn.eventing.dispatch.duration', {
      description: 'Time from posting an event to its complete answer',
      unit: 's',
    }),
  }
}

/** Read at each scrape: what this process has of the sources' work. */
export function watchSources(
  telemetry: Telemetry,
  read: () => Iterable<{ readonly row: Named; readonly waitingMs: number }>,
): Disposable {
  const rows = telemetry.gauge('source_rows_held', { description: 'Sources this process runs, by kind' }, () => {
    const byKind = new Map<string, number>()
    for (const { row } of read()) byKind.set(row.kind, (byKind.get(row.kind) ?? 0) + 1)
    return [...byKind].map(([kind, value]) => ({ value, labels: { kind } }))
  })
  const description = 'Age of the oldest event of a source that is not stored yet; sources with none are left out'
  const waiting = telemetry.gauge('source_waiting_seconds', { description, unit: 's' }, () =>
    [...read()]
      .filter(({ waitingMs }) => waitingMs > 0)
      .map(({ row, waitingMs }) => ({ value: waitingMs / 1_000, labels: labelsOf(row) })),
  )
  return {
    [Symbol.dispose]() {
      rows[Symbol.dispose]()
      waiting[Symbol.dispose]()
    },
  }
}

/** Everything that can happen to one source, logged and counted. Never event data. */
export type SourceEvents = ReturnType<typeof sourceEvents>

export function sourceEvents({ log, events, retries, duration }: SourcesTelemetry, row: Named) {
  const labels = labelsOf(row)
  const durationLabels = { 'kn.source.namespace': row.namespace, 'kn.source.name': row.name }
  return {
    answered(durationMs: number) {
      duration.record(durationMs / 1_000, durationLabels)
    },
    stored() {
      events.add(1, { ...labels, outcome: 'stored' })
    },
    refused(fields: { readonly id: unknown; readonly status: number; readonly problem: string }) {
      events.add(1, { ...labels, outcome: 'refused' })
      log.error({ ...labels, ...fields }, 'event of a source is refused for good, the source goes on without it')
    },
    retried(fields: { readonly id: unknown; readonly status: number; readonly delayMs: number }, isFirst: boolean) {
      retries.add(1, labels)
      const level = isFirst ? 'warn' : 'debug'
      log[level]({ ...labels, ...fields }, 'event of a source can not be stored yet, it is kept and posted again')
    },
    resumed(waitedMs: number) {
      log.info({ ...labels, waitedMs }, 'events of a source are stored again')
    },
    started(term: number) {
      log.info({ ...labels, term }, 'source started')
    },
    startFailed(delayMs: number, error: unknown) {
      log.warn({ ...labels, delayMs, code: failureOf(error).code, error }, 'source could not be started')
    },
    stopFailed(error: unknown) {
      log.error({ ...labels, error }, 'source could not be stopped in order')
    },
    reportRefused(error: unknown) {
      log.warn({ ...labels, code: failureOf(error).code, error }, 'status of a source is not taken')
    },
    reportFailed(delayMs: number, error: unknown) {
      log.debug({ ...labels, delayMs, code: failureOf(error).code, error }, 'status of a source could not be reported')
    },
  }
}

function labelsOf({ kind, namespace, name }: Named): Labels {
  return { kind, namespace, name }
}

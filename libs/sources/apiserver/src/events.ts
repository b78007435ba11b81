import type { ApiServerSourceRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Counter, Logger, Telemetry } from '@sluice/telemetry'

export interface ApiServerTelemetry {
  readonly log: Logger
  readonly failures: Counter
  readonly comparisons: Counter
}

export function apiServerTelemetry(telemetry: Telemetry): ApiServerTelemetry {
  const counter = (name: string, description: string) => telemetry.counter(name, { description })
  return {
    log: telemetry.log,
    failures: counter(
      'source_apiserver_failures_total',
      'Times objects of a source could not be found, listed or watched, by source; each is tried again after a back-off',
    ),
    comparisons: counter(
      'source_apiserver_comparisons_total',
      "Times all objects were compared with what was told of them, as the API server's history had gone, by source",
    ),
  }
}

/** Read at each scrape. */
export function watchObjects(
  telemetry: Telemetry,
  read: () => Iterable<{ readonly row: Pick<ApiServerSourceRow, 'namespace' | 'name'>; readonly objects: number }>,
): Disposable {
  return telemetry.gauge(
    'source_apiserver_objects',
    { description: 'Objects whose state is known, by source: each may change or go without being missed' },
    () => [...read()].map(({ row: { namespace, name }, objects }) => ({ value: objects, labels: { namespace, name } })),
  )
}

export type ApiServerEvents = ReturnType<typeof apiServerEvents>

/** Everything that can happen to one source, logged and counted. Never an object, never a token. */
export function apiServerEvents(
  { log, failures, comparisons }: ApiServerTelemetry,
  { namespace, name }: Pick<ApiServerSourceRow, 'namespace' | 'name'>,
) {
  const labels = { namespace, name }
  return {
    failed(part: string, retryInMs: number, error: unknown) {
      failures.add(1, labels)
      log.warn(
        { ...labels, part, retryInMs, code: failureOf(error).code, error },
        'objects can not be found, listed or watched, it is tried again',
      )
    },
    compared(part: string, objects: number) {
      comparisons.add(1, labels)
      log.info(
        { ...labels, part, objects },
        'objects had to be compared with what was told of them: what differs is told',
      )
    },
    stateFailed(part: string, retryInMs: number, error: unknown) {
      log.debug(
        { ...labels, part, retryInMs, code: failureOf(error).code, error },
        'how far a source came is not kept yet',
      )
    },
    untold(kind: string, error: unknown) {
      log.error({ ...labels, kind, error }, 'an object has a name that no event can carry, nothing is told of it')
    },
    ended(part: string, error: unknown) {
      log.warn({ ...labels, part, code: failureOf(error).code, error }, 'objects are followed no longer')
    },
    forgotten(part: string, error: unknown) {
      log.warn(
        { ...labels, part, code: failureOf(error).code, error },
        'objects of a source are followed no longer, what went last can not be told',
      )
    },
  }
}

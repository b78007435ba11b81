import type { DeliverySpec, FilterSpec } from '@sluice/contract'
import { z } from 'zod'
import { parseDuration } from '../duration.ts'
import { filterFields, filterSpec } from '../filter.ts'
import { findings } from '../issues.ts'
import { formatPath } from '../problem.ts'
import type { Reading } from './annotations.ts'

type Fields = Readonly<Record<string, unknown>>

const RETRY_WITHOUT_DELIVERY = 10
const BACKOFF_DELAY_MS = 200
const TIMEOUT_MS = 30_000

/**
 * Of a source whose sink has no log here and that says no delivery spec: an outage of hours is ridden out. The back-off
 * reaches its minute with the tenth retry; from there on a retry a minute makes a day.
 */
export const SOURCE_DELIVERY: DeliverySpec = {
  retry: 1_448,
  backoffPolicy: 'exponential',
  backoffDelayMs: BACKOFF_DELAY_MS,
  backoffMaxMs: 60_000,
  retryAfterMaxMs: 60_000,
  timeoutMs: TIMEOUT_MS,
}

/**
 * The delivery spec in force: the own one as a whole, else the inherited one as a whole, else Knative's default for
 * Brokers. One without `retry` does not retry. Both as the API has them; where their dead letter sinks go is not looked
 * at.
 */
export function deliverySpec(own: Fields | undefined, inherited: Fields | undefined): Reading<DeliverySpec> {
  const spec = own ?? inherited
  const problems: string[] = []
  const ms = (field: string): number | undefined => {
    const text = spec?.[field]
    if (text === undefined) return undefined
    const read = parseDuration(String(text))
    if ('ms' in read) return read.ms
    problems.push(`delivery.${field} ${read.problem}`)
    return undefined
  }
  const [retryAfterMaxMs, backoffMaxMs] = [ms('retryAfterMax'), ms('backoffMax')]
  const value: DeliverySpec = {
    retry: spec === undefined ? RETRY_WITHOUT_DELIVERY : ((spec.retry as number | undefined) ?? 0),
    backoffPolicy: (spec?.backoffPolicy as DeliverySpec['backoffPolicy'] | undefined) ?? 'exponential',
    backoffDelayMs: ms('backoffDelay') ?? BACKOFF_DELAY_MS,
    timeoutMs: ms('timeout') ?? TIMEOUT_MS,
    ...(retryAfterMaxMs !== undefined && { retryAfterMaxMs }),
    ...(backoffMaxMs !== undefined && { backoffMaxMs }),
    ...(spec?.format !== undefined && { format: spec.format as NonNullable<DeliverySpec['format']> }),
  }
  return problems.length > 0 ? { problem: problems.join('; ') } : { value }
}

const filters = z.object(filterFields)

/** The filter of a Trigger's spec. A cluster can't judge nested clauses and CESQL: here is where they are refused. */
export function triggerFilter({ filter, filters: clauses }: Fields): Reading<FilterSpec> {
  const read = filters.safeParse({ filter, filters: clauses })
  if (read.success) return { value: filterSpec(read.data.filter, read.data.filters) }
  const found = findings(read.error, { filter, filters: clauses })
  return { problem: found.map(({ path, problem }) => `spec.${formatPath(path)} ${problem}`).join('; ') }
}

import type { DeliverySpec, FilterSpec } from '@sluice/contract'
import { z } from 'zod'
import { type Delivery, effectiveDelivery } from '../delivery.ts'
import { parseDuration } from '../duration.ts'
import { filterFields, filterSpec } from '../filter.ts'
import { findings } from '../issues.ts'
import { formatPath } from '../problem.ts'
import type { Reading } from './annotations.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The delivery spec in force: the own one as a whole, else the inherited one as a whole, else the default. Both as the
 * API has them; where their dead letter sinks go is not looked at.
 */
export function deliverySpec(own: Fields | undefined, inherited: Fields | undefined): Reading<DeliverySpec> {
  const spec = own ?? inherited
  if (spec === undefined) return { value: effectiveDelivery(undefined, undefined) }
  const problems: string[] = []
  const ms = (field: string): number | undefined => {
    const text = spec[field]
    if (text === undefined) return undefined
    const read = parseDuration(String(text))
    if ('ms' in read) return read.ms
    problems.push(`delivery.${field} ${read.problem}`)
    return undefined
  }
  const delivery: Delivery = {
    retry: spec.retry as number | undefined,
    timeoutMs: ms('timeout'),
    backoffPolicy: spec.backoffPolicy as Delivery['backoffPolicy'],
    backoffDelayMs: ms('backoffDelay'),
    retryAfterMaxMs: ms('retryAfterMax'),
    backoffMaxMs: ms('backoffMax'),
    format: spec.format as Delivery['format'],
    deadLetterSink: undefined,
  }
  return problems.length > 0 ? { problem: problems.join('; ') } : { value: effectiveDelivery(delivery, undefined) }
}

const filters = z.object(filterFields)

/** The filter of a Trigger's spec. A cluster can't judge nested clauses and CESQL: here is where they are refused. */
export function triggerFilter({ filter, filters: clauses }: Fields): Reading<FilterSpec> {
  const read = filters.safeParse({ filter, filters: clauses })
  if (read.success) return { value: filterSpec(read.data.filter, read.data.filters) }
  const found = findings(read.error, { filter, filters: clauses })
  return { problem: found.map(({ path, problem }) => `spec.${formatPath(path)} ${problem}`).join('; ') }
}

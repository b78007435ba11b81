import { EventingError } from '@sluice/errors'
import type { Contract, LogRow } from './rows.ts'

/** The log of a broker that is in force. Throws BROKER_UNKNOWN. */
export function logOf({ logs }: Pick<Contract, 'logs'>, namespace: string, broker: string): LogRow {
  const log = logs.find((row) => row.namespace === namespace && row.name === broker)
  if (log !== undefined) return log
  const path = `/${namespace}/${broker}`
  throw new EventingError({ code: 'BROKER_UNKNOWN', path }, `there is no broker ${namespace}/${broker} in force`)
}

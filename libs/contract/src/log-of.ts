import { EventingError } from '@sluice/errors'
import type { Contract, LogRow } from './rows.ts'

type Rows = Pick<Contract, 'logs'> & Partial<Pick<Contract, 'ingresses'>>

/**
 * The log of a broker that is in force, by its name; of a channel as `<kind in lower case>:<name>`, since channels of two
 * kinds may share a name. Throws BROKER_UNKNOWN.
 */
export function logOf({ logs, ingresses = [] }: Rows, namespace: string, name: string): LogRow {
  const [kind, channel] = name.split(':', 2)
  if (channel === undefined) {
    const log = logs.find((row) => row.kind !== 'channel' && row.namespace === namespace && row.name === name)
    return log ?? unknown(`/${namespace}/${name}`, `broker ${namespace}/${name}`)
  }
  const path = `/channels/${namespace}/${kind}/${channel}`
  const address = ingresses.find((row) => row.path === path)
  const log = logs.find(({ uid, kind }) => kind === 'channel' && uid === address?.log)
  return log ?? unknown(path, `${kind === '' ? 'channel' : kind} ${namespace}/${channel}`)
}

function unknown(path: string, what: string): never {
  throw new EventingError({ code: 'BROKER_UNKNOWN', path }, `there is no ${what} in force`)
}

import { EventingError } from '@sluice/errors'
import { SOURCE_KIND_OF } from './interest.ts'
import type { Contract, LogRow } from './rows.ts'

type Rows = Pick<Contract, 'logs'> & Partial<Pick<Contract, 'ingresses'>>

const SOURCE_KINDS: readonly string[] = Object.values(SOURCE_KIND_OF).map((kind) => kind.toLowerCase())

/**
 * The log of a broker that is in force, by its name; of a channel as `<kind in lower case>:<name>`, since channels of two
 * kinds may share a name; of a source alike, and once it is gone that of its last namesake. Throws BROKER_UNKNOWN.
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
  return (
    log ??
    sourceLogOf({ logs, ingresses }, namespace, kind, channel) ??
    unknown(path, `${kind === '' ? 'channel' : kind} ${namespace}/${channel}`)
  )
}

function sourceLogOf({ logs, ingresses = [] }: Rows, namespace: string, kind: string | undefined, name: string) {
  if (!SOURCE_KINDS.some((each) => each === kind)) return undefined
  const address = ingresses.find(({ path }) => path === `/source-logs/${namespace}/${kind}/${name}`)
  const own = logs.find(({ uid }) => uid === address?.log)
  const gone = logs.filter((log) => log.goneAt !== undefined && log.namespace === namespace && log.name === name)
  return own ?? gone.toSorted((a, b) => (b.goneAt ?? 0) - (a.goneAt ?? 0))[0]
}

function unknown(path: string, what: string): never {
  throw new EventingError({ code: 'BROKER_UNKNOWN', path }, `there is no ${what} in force`)
}

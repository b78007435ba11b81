import type { ChannelDriver } from '@sluice/channel'
import type { CloudEvent } from '@sluice/cloudevents'
import { type Contract, type FilterSpec, type LogRow, logOf, type RouteRow } from '@sluice/contract'
import { checkQuery, queryInvalid } from '@sluice/errors'
import type { JournalRecord } from './record.ts'
import type { Found } from './replicas.ts'
import type { Wanted } from './scan.ts'

const MAX_RECORDS = 1_000
/** Triggers that did not match, in one answer; the others are there for POST /explain. */
const MAX_EXPLAINED = 100
const READ_MS = 2_000

interface Verdict {
  readonly matches: boolean
  readonly reason?: string
}

export interface JournalRouteDeps {
  readonly find: (wanted: Wanted) => Promise<Found>
  readonly contract: () => Pick<Contract, 'revision' | 'logs' | 'routes'> & Partial<Pick<Contract, 'ingresses'>>
  /** To explain the triggers that did not match; absent where one service among several answers for itself. */
  readonly explaining?: Explaining
}

interface Explaining {
  readonly driver: Pick<ChannelDriver, 'read'>
  readonly explain: (event: CloudEvent, filter: FilterSpec) => Verdict
}

interface Request {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

/**
 * `GET /journal/<namespace>/<broker>?id=…[&source=…]`: what happened to an event, as far as `find` knows, and why the
 * other triggers didn't match, by the routes in force and while the log still has the event.
 */
export function journalRoute(deps: JournalRouteDeps) {
  return {
    method: 'GET',
    path: '/journal/:namespace/:broker',
    access: { verb: 'read', resource: 'brokers' },
    maxBodyBytes: 1_024,
    async answer({ path: { namespace = '', broker = '' }, query }: Request) {
      const { id, source } = parametersOf(query)
      const rows = deps.contract()
      const { revision, routes } = rows
      const log = logOf(rows, namespace, broker)
      const found = await deps.find({ id, source, queues: log.queues, limit: MAX_RECORDS })
      const ofBroker = routes.filter((route) => route.log === log.uid)
      const others = await unmatched(found.records, { id, log, routes: ofBroker }, deps)
      return { namespace, broker, id, revision, ...found, ...others }
    },
  } as const
}

/** Why the triggers that the records do not name got nothing. A non-match is worked out when asked, never recorded. */
async function unmatched(
  records: readonly JournalRecord[],
  { id, log, routes }: { readonly id: string; readonly log: LogRow; readonly routes: readonly RouteRow[] },
  { explaining }: JournalRouteDeps,
) {
  if (explaining === undefined) return { notExplained: 'this is one service among several: ask the controller' }
  const { driver, explain } = explaining
  const sources = new Set(records.map(({ source }) => source))
  if (sources.size > 1) return { notExplained: 'more than one source used this id: ask again with source' }
  const accepted = records.findLast(({ what }) => what === 'accepted')
  if (accepted?.what !== 'accepted') return { notExplained: 'no record says where in the log the event is' }
  const event = await readAt(driver, log.channel, accepted.position)
  if (event === 'unreadable') return { notExplained: 'the log can not be read now: ask again' }
  if (event === undefined || String(event.attributes.get('id')) !== id)
    return { notExplained: 'the log does not have the event any more' }
  const matched = new Set(records.flatMap((record) => (record.what === 'judged' ? record.triggers : [])))
  const others = routes.filter(({ name }) => !matched.has(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const unmatched = others.slice(0, MAX_EXPLAINED).map((route) => {
    const { matches, reason } = explain(event, route.filter)
    if (!matches) return { name: route.name, reason }
    const isNewer = accepted.revision < route.since
    return {
      name: route.name,
      reason: isNewer ? 'the trigger is newer than the event' : 'it matches by the routes in force now',
    }
  })
  return others.length > MAX_EXPLAINED ? { unmatched, more: others.length - MAX_EXPLAINED } : { unmatched }
}

/** Undefined: it is not there any more. */
async function readAt(
  driver: Pick<ChannelDriver, 'read'>,
  channel: string,
  position: string,
): Promise<CloudEvent | undefined | 'unreadable'> {
  const signal = AbortSignal.timeout(READ_MS)
  try {
    for await (const stored of driver.read(channel, position, signal))
      return stored.position === position ? stored.event : undefined
  } catch {
    return 'unreadable'
  }
  return signal.aborted ? 'unreadable' : undefined
}

function parametersOf(query: URLSearchParams): { readonly id: string; readonly source: string | undefined } {
  checkQuery(query, ['id', 'source'])
  const id = query.get('id')
  if (id === null || id === '') throw queryInvalid('id', 'is missing: the id of an event')
  return { id, source: query.get('source') ?? undefined }
}

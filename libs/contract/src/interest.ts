import { isEmpty, isOfSourcesAlone, NO_ROWS, routingRevisionOf } from './delta.ts'
import type { Change } from './document.ts'
import type { Contract } from './rows.ts'
import type { SourceRow } from './sources/source-row.ts'

export type SourceKind = SourceRow['kind']

/** Services of sources, each with the kind whose rows it gets. */
export const SOURCE_KIND_OF = {
  'source-cron': 'PingSource',
  'source-github': 'GitHubSource',
  'source-apiserver': 'ApiServerSource',
  'source-kafka': 'KafkaSource',
} as const satisfies Readonly<Record<string, SourceKind>>

export type SourceRole = keyof typeof SOURCE_KIND_OF
export const SOURCE_ROLES = Object.keys(SOURCE_KIND_OF) as readonly SourceRole[]

/** Whose rows are those of a kind. */
export function roleOf(kind: SourceKind): SourceRole {
  return SOURCE_ROLES.find((role) => SOURCE_KIND_OF[role] === kind) as SourceRole
}

export function isSourceRole(name: string): name is SourceRole {
  return Object.hasOwn(SOURCE_KIND_OF, name)
}

/** What a reader is for: what becomes of events, or sources of one kind. It is told of nothing else. */
export type Interest = 'routing' | SourceKind

/** By the role of the reader; whoever is no source reads what all others do. */
export function interestOf(name: string): Interest {
  return isSourceRole(name) ? SOURCE_KIND_OF[name] : 'routing'
}

/** The contract as this reader is to have it. */
export function narrowedContract(contract: Contract, interest: Interest): Contract {
  const { epoch, revision } = contract
  if (interest === 'routing') {
    const { routingRevision: _, ...rest } = contract
    return { ...rest, revision: routingRevisionOf(contract), sources: [] }
  }
  return { ...NO_ROWS, epoch, revision, sources: contract.sources.filter(({ kind }) => kind === interest) }
}

/** Of a change what concerns this reader; undefined where it concerns others alone. */
export function narrowedChange(change: Change, interest: Interest): Change | undefined {
  const { delta, endedSources } = change
  if (interest === 'routing') {
    if (isOfSourcesAlone(delta)) return undefined
    return {
      ...change,
      delta: { ...delta, put: { ...delta.put, sources: [] }, removed: { ...delta.removed, sources: [] } },
    }
  }
  const sources = delta.put.sources.filter(({ kind }) => kind === interest)
  const removed = delta.removed.sources.filter((uid) => endedSources.get(uid) === interest)
  if (sources.length + removed.length === 0 && !isEmpty(delta)) return undefined
  return { ...change, delta: { ...delta, put: { ...NO_ROWS, sources }, removed: { ...NO_UIDS, sources: removed } } }
}

const NO_UIDS = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }

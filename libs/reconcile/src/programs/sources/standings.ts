import type { SourceReport } from '@sluice/contract'

/** Where a source's row stands at its service. */
export interface SourceStanding {
  /** Replicas of the service that are there. */
  readonly replicas: number
  /** There are none; never shortly after a start, when they may be on the way back. */
  readonly isMissing: boolean
  /** A replica has the row as it is now. */
  readonly isAcknowledged: boolean
  /** What a holder said last, perhaps before a restart. */
  readonly report: SourceReport | undefined
  /** Of the row that this was said of: one that was changed since is another. */
  readonly reportedHash: string | undefined
}

/** What the services of sources say of the rows they hold. */
export interface SourceStandings {
  /** Undefined where the contract has no such row. */
  standing(uid: string): SourceStanding | undefined
  /** With the uid of a source whose standing may be another. */
  changed(listener: (uid: string) => void): Disposable
}

/** The report, if it is about the row as it is; not while the service has not got that yet, unless it may be on the way back. */
export function reportOf(
  standing: SourceStanding | undefined,
  row: { readonly hash: string } | undefined,
  wasReady: boolean,
): SourceReport | undefined {
  if (standing === undefined || standing.reportedHash !== row?.hash) return undefined
  const { isAcknowledged, isMissing, replicas, report } = standing
  return isAcknowledged || (replicas === 0 && !isMissing && wasReady) ? report : undefined
}

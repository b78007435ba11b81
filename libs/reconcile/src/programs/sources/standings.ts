import type { SourceReport } from '@sluice/contract'

/** Where a source's row stands at its service. */
export interface SourceStanding {
  /** No replica of the service is there; never shortly after a start, when they may be on the way back. */
  readonly isMissing: boolean
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

/** The report, if it is about the row as it is. It stays so through restarts, as what is in force does. */
export function reportOf(
  standing: SourceStanding | undefined,
  row: { readonly hash: string } | undefined,
): SourceReport | undefined {
  return standing !== undefined && standing.reportedHash === row?.hash ? standing.report : undefined
}

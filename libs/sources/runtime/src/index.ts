export type { Offered, Published, SourceOutlet } from './outlet.ts'
export type { FollowingSource } from './row-at-work.ts'
export { type HoldingSource, type RunningSources, type RunSourcesDeps, runSources } from './run-sources.ts'
export { DEPLOYED, EVENTS_STORED, type SourceStatus } from './status.ts'

import { apiServerSource } from './api-server-source.ts'
import { gitHubSource } from './git-hub-source.ts'
import { kafkaSource } from './kafka-source.ts'
import { pingSource } from './ping-source.ts'
import type { SourceKind } from './source-kind.ts'

export const SOURCES: readonly SourceKind[] = [pingSource, gitHubSource, apiServerSource, kafkaSource]
export { sourceProgram } from './source.ts'
export { createSourceEventTypes } from './source-event-types.ts'
export type { SourceStanding, SourceStandings } from './standings.ts'

import { z } from 'zod'
import { type ApiServerSourceRow, apiServerSourceRow } from './api-server-source-row.ts'
import { type GitHubSourceRow, githubSourceRow } from './github-source-row.ts'
import { type KafkaSourceRow, kafkaSourceRow } from './kafka-source-row.ts'
import { type PingSourceRow, pingSourceRow } from './ping-source-row.ts'

export type AnySourceRow = PingSourceRow | GitHubSourceRow | ApiServerSourceRow | KafkaSourceRow

/** A row of any source kind. */
export const anySourceRow = z.discriminatedUnion('kind', [
  pingSourceRow,
  githubSourceRow,
  apiServerSourceRow,
  kafkaSourceRow,
])

import { randomUUID } from 'node:crypto'
import type { Clock } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'
import { contractCopy } from '../contract-copy.ts'
import { type FollowedContract, followContract } from './follow-contract.ts'
import type { Role } from './protocol.ts'
import { type HttpTransportOptions, httpTransport } from './transport.ts'

export interface HttpSourceDeps extends HttpTransportOptions {
  /** Where the last contract is kept, for this process alone. */
  readonly copyPath: string
  /** The names under which the roles of this process call `watch`. */
  readonly roles: readonly Role[]
  readonly replica: string
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** The contract of a controller, followed over HTTP and kept on disk. Rejects with DATA_DIR_UNUSABLE. */
export function httpSource({ url, token, ca, copyPath, ...deps }: HttpSourceDeps): Promise<FollowedContract> {
  return followContract({
    ...deps,
    transport: httpTransport({ url, token, ca }),
    copy: contractCopy(copyPath),
    instance: randomUUID(),
    random: Math.random,
  })
}

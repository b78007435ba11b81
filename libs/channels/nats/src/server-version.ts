import { MIN_SERVER_VERSION } from './config.ts'

/** From here on a server writes down what it deleted; one before brings it back when it is killed. */
const KEEPS_DELETIONS = [2, 10, 0] as const

/** Whether the driver can't work with it. */
export function isTooOld(version: string): boolean {
  return isBefore(version, MIN_SERVER_VERSION)
}

/** Whether a deletion outlives a kill -9 of the server only if the message's bytes are overwritten. */
export function mustErase(version: string): boolean {
  return isBefore(version, KEEPS_DELETIONS)
}

/** From here on `sync_interval: always` is understood; a server before refuses to start with it. */
export const SYNCS_ALWAYS = [2, 10, 0] as const

export function canSyncAlways(version: string): boolean {
  return !isBefore(version, SYNCS_ALWAYS)
}

function isBefore(version: string, least: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number)
  for (const [i, wanted] of least.entries()) {
    const part = parts[i] ?? 0
    if (part !== wanted) return !(part > wanted)
  }
  return false
}

import { describe } from '@jest/globals'
import { backlogClaims } from './backlog.ts'
import { suiteOf } from './case.ts'
import { closingClaims } from './closing.ts'
import { crashClaims } from './crash.ts'
import { dedupClaims } from './dedup.ts'
import { endClaims } from './ends.ts'
import { handOutClaims } from './hand-out.ts'
import type { ConformanceHarness } from './harness.ts'
import { laneClaims } from './lanes.ts'
import { lossClaims } from './loss.ts'
import { outageClaims } from './outage.ts'
import { parkedClaims } from './parked.ts'
import { readClaims } from './read.ts'
import { retentionClaims } from './retention.ts'
import { scaleClaims } from './scale.ts'
import { storeClaims } from './store.ts'
import { windowClaims } from './windows.ts'

export type { ConformanceHarness } from './harness.ts'

/**
 * The one suite every driver passes, against a real backend. A case is a claim of the port; what a harness can't do is
 * skipped with the reason in the case's name, and never by the driver's name.
 */
export function channelConformance(name: string, harness: ConformanceHarness): void {
  describe(`channel ${name}`, () => {
    const suite = suiteOf(harness)
    storeClaims(suite)
    dedupClaims(suite)
    handOutClaims(suite)
    endClaims(suite)
    parkedClaims(suite)
    laneClaims(suite)
    windowClaims(suite)
    backlogClaims(suite)
    readClaims(suite)
    retentionClaims(suite)
    crashClaims(suite)
    lossClaims(suite)
    outageClaims(suite)
    scaleClaims(suite)
    closingClaims(suite)
  })
}

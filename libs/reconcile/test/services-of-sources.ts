import type { AnySourceRow, SourceReport } from '@sluice/contract'
import type { SourceStandings } from '../src/programs/index.ts'

type Named = Pick<AnySourceRow, 'uid' | 'hash'>

/** The services of sources, as the control plane hears of them: none runs, until a test says so. */
export function servicesOfSources() {
  const reports = new Map<string, { readonly hash: string; readonly report: SourceReport }>()
  const listeners = new Set<(uid: string) => void>()
  let isRunning = false
  let isSettling = false
  const known = new Set<string>()
  const tell = () => {
    for (const uid of known) for (const listener of listeners) listener(uid)
  }
  const standings: SourceStandings = {
    standing(uid) {
      known.add(uid)
      const { hash, report } = reports.get(uid) ?? {}
      return { isMissing: !isRunning && !isSettling, report, reportedHash: hash }
    },
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  return {
    standings,
    start() {
      isRunning = true
      tell()
    },
    /** The holder of the row says so of it; without words: that it runs. */
    report({ uid, hash }: Named, report: Partial<SourceReport> = {}) {
      reports.set(uid, { hash, report: { conditions: { Deployed: { status: 'True' } }, ...report } })
      tell()
    },
    /** The server began anew: nobody has connected yet, and may do so while it settles. */
    restart(state: 'settling' | 'settled') {
      isRunning = false
      isSettling = state === 'settling'
      tell()
    },
  }
}

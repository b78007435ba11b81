import { type Clock, sleep } from '@sluice/clock'
import type { LogRow } from '@sluice/contract'

const LOOK_EVERY_MS = 60_000
/** Beyond the time that parked events are kept: for those whose last attempt is late. */
const MORE_MS = 24 * 60 * 60 * 1_000

export interface SourceLogsDeps {
  readonly clock: Clock
  readonly parkedRetentionMs: number
  /** Whether the log and its queue hold nothing, parked events included; absent: nobody can say, so time decides. */
  readonly isDrained?: ((log: LogRow) => Promise<boolean>) | undefined
  remove(owner: string): void
}

/** Logs of sources that are gone: each stays until what it holds is delivered, or parked and over. */
export interface SourceLogs extends Disposable {
  add(owner: string, log: LogRow): void
}

export function keepSourceLogs({ clock, parkedRetentionMs, isDrained, remove }: SourceLogsDeps): SourceLogs {
  const logs = new Map<string, LogRow>()
  const stopped = new AbortController()
  let isRunning = false

  async function isOver(log: LogRow): Promise<boolean> {
    if (isDrained === undefined) return clock.now() >= (log.goneAt ?? 0) + parkedRetentionMs + MORE_MS
    // a store that can't be asked is asked again
    return isDrained(log).catch(() => false)
  }

  async function run(): Promise<void> {
    if (isRunning) return
    isRunning = true
    while (logs.size > 0 && !stopped.signal.aborted) {
      await sleep(clock, LOOK_EVERY_MS, stopped.signal)
      for (const [owner, log] of [...logs]) {
        if (stopped.signal.aborted || !(await isOver(log))) continue
        logs.delete(owner)
        remove(owner)
      }
    }
    isRunning = false
  }

  return {
    add(owner, log) {
      logs.set(owner, log)
      void run()
    },
    [Symbol.dispose]: () => stopped.abort(),
  }
}

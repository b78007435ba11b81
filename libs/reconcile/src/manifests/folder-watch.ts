import { type FSWatcher, watch } from 'node:fs'
import type { Clock } from '@sluice/clock'

const POLL_MS = 500
const AFTER_EVENT_MS = 20
/** Polling takes at most this share of one core, however many files there are. */
const POLL_SHARE = 1 / 20

/**
 * Calls `look` soon after something happened in the folder, and every half second besides: events are missed in
 * subfolders, on network drives and after the folder itself was replaced. Never concurrently; `look` must not reject
 * and may ask for the next one within its answer, in ms.
 */
export function watchFolder(deps: {
  readonly folder: string
  readonly clock: Clock
  look(): Promise<number | undefined>
  onFailure(reason: string): void
}): AsyncDisposable {
  let isStopped = false
  let isLooking = false
  let isDue = false
  let timer: Disposable | undefined
  let ended: Promise<void> = Promise.resolve()
  const watcher = open(deps.folder, () => arm(AFTER_EVENT_MS), deps.onFailure)

  function arm(delayMs: number): void {
    timer?.[Symbol.dispose]()
    if (isLooking) isDue = true
    else if (!isStopped)
      timer = deps.clock.after(delayMs, () => {
        ended = run()
      })
  }

  async function run(): Promise<void> {
    isLooking = true
    isDue = false
    const startedAt = deps.clock.monotonic()
    const wantedMs = await deps.look()
    const restMs = (deps.clock.monotonic() - startedAt) / POLL_SHARE
    isLooking = false
    arm(isDue ? AFTER_EVENT_MS : (wantedMs ?? Math.max(POLL_MS, restMs)))
  }

  arm(POLL_MS)
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true
      watcher?.close()
      timer?.[Symbol.dispose]()
      await ended
    },
  }
}

function open(folder: string, onEvent: () => void, onFailure: (reason: string) => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent)
    watcher.on('error', (error) => {
      watcher.close()
      onFailure((error as Error).message)
    })
    return watcher
  } catch (error) {
    onFailure((error as Error).message)
    return undefined
  }
}

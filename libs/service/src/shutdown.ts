import { type Clock, sleep } from '@sluice/clock'
import type { Logger } from '@sluice/telemetry'

/** An interactive `npm start` passes one Ctrl-C on twice; a repeat this soon is the same one. */
const SAME_PRESS_MS = 500
/** What disposal, and after it the emptying of the loop, may take before the exit is forced. */
const HANG_LIMIT_MS = 2000
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

type StopSignal = keyof typeof EXIT_CODES

export interface ShutdownDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly drainMs: number
  /** Readiness drops and nothing new is handed out. */
  readonly stopHandingOut: () => void
  /** Resolves when nothing is in hand. */
  readonly drain: () => Promise<void>
  /** What is still in hand is let go. */
  readonly abort: () => void
  readonly dispose: () => Promise<void>
}

/**
 * Stops the process on SIGTERM or SIGINT:
 *
 *   signal ─► no new hand-outs ─► drain, at most drainMs ─► abort ─► dispose ─► the loop empties, exit 0
 *   second signal ─► exit 130 or 143 at once          anything hangs ─► said and forced, exit 1
 */
export function stopOnSignals(deps: ShutdownDeps): void {
  const { clock, log } = deps
  let stoppedAt: number | undefined
  const onSignal = (signal: StopSignal) => {
    if (stoppedAt === undefined) {
      stoppedAt = clock.monotonic()
      log.info({ signal, drainMs: deps.drainMs }, 'stopping')
      void shutDown(deps)
    } else if (clock.monotonic() - stoppedAt > SAME_PRESS_MS) {
      log.warn({ signal }, 'stopped at once by a second signal')
      process.exit(EXIT_CODES[signal])
    }
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

async function shutDown(deps: ShutdownDeps): Promise<void> {
  const { clock, log, drainMs } = deps
  // Keeps the process alive while it stops, and ends it should that take too long
  const guard = setTimeout(() => forceExit(log), drainMs + HANG_LIMIT_MS)
  try {
    deps.stopHandingOut()
    const drained = deps.drain().then(() => true)
    const isDrained = await Promise.race([drained, sleep(clock, drainMs).then(() => false)])
    log.info({ isDrained }, isDrained ? 'drained' : 'drain time is over, letting go of what is in hand')
  } catch (error) {
    log.error({ error }, 'draining failed')
    process.exitCode = 1
  }
  deps.abort()
  try {
    await deps.dispose()
  } catch (error) {
    log.error({ error }, 'disposing failed')
    process.exitCode = 1
  }
  clearTimeout(guard)
  setTimeout(() => forceExit(log), HANG_LIMIT_MS).unref()
}

/** Says what still holds the process. */
export function forceExit(log: Logger): void {
  log.error({ holding: process.getActiveResourcesInfo() }, 'something hangs, exit forced')
  process.exit(process.exitCode || 1)
}

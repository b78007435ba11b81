import type { Clock } from '@sluice/clock'

/** Runs `work` with a signal that aborts after `ms`, or with `signal`. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const abort = () => over.abort()
  const late = clock.after(ms, abort)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await work(over.signal)
  } finally {
    late[Symbol.dispose]()
    signal.removeEventListener('abort', abort)
  }
}

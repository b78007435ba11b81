import { unanswered } from './errors.ts'

/** The client may wait for ever for a connection that ended before it was made. */
export async function within<T>(asking: Promise<T>, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(unanswered()), ms)
  try {
    return await Promise.race([asking, promise])
  } finally {
    clearTimeout(timer)
  }
}

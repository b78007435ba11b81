/** Milliseconds of the system's monotonic clock: comparable between the processes of one machine, unlike performance.now(). */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

import { isMainThread } from 'node:worker_threads'

/**
 * Preloaded into every process a test starts: standard input is a pipe from the test, and when it closes the test is
 * gone, however it went. Without this a killed test run leaves servers behind. Threads inherit preloads, but have a
 * standard input of their own that is closed from the start.
 */
if (isMainThread) {
  const die = () => process.kill(process.pid, 'SIGKILL')
  process.stdin.on('close', die).on('error', die).resume()
  const { unref } = process.stdin as { unref?: () => void }
  unref?.call(process.stdin)
}

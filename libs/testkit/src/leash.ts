/**
 * Preloaded into every process a test starts: standard input is a pipe from the test, and when it closes the test is
 * gone, however it went. Without this a killed test run leaves servers behind.
 */
process.stdin.on('close', () => process.kill(process.pid, 'SIGKILL'))
process.stdin.on('error', () => process.kill(process.pid, 'SIGKILL'))
process.stdin.resume()
const { unref } = process.stdin as { unref?: () => void }
unref?.call(process.stdin)

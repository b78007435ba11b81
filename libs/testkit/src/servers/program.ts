import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { EventingError } from '@sluice/errors'

/** The shell holds the leash: when this process is gone, its end of the pipe closes and the program is killed. */
const LEASH = '"$@" </dev/null & echo "pid $!"; cat >/dev/null; kill -9 $! 2>/dev/null; wait'
const KEEP_OUTPUT = 64 * 1024
const READY_MS = 15_000

export interface Program extends AsyncDisposable {
  readonly pid: number
  /** Resolves once it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts a program that is no Node and waits for a line it prints. Rejects with INTERNAL, with its output. */
export async function startProgram(
  path: string,
  args: readonly string[],
  ready: RegExp,
  readyMs = READY_MS,
): Promise<Program> {
  const shell = spawn('/bin/sh', ['-c', LEASH, 'sh', path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  shell.stdin.on('error', () => {})
  let output = ''
  let pid = Number.NaN
  let look: () => void = () => {}
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEEP_OUTPUT)
      if (Number.isNaN(pid)) pid = Number(/^pid (\d+)\n/m.exec(output)?.[1])
      look()
    })
  }
  const gone = once(shell, 'close')
  const stop = async () => {
    shell.stdin.destroy()
    await gone
  }
  const timeout = AbortSignal.timeout(readyMs)
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new EventingError({ code: 'INTERNAL' }, `${path} did not start: ${output}`))
      look = () => (ready.test(output) ? resolve() : undefined)
      timeout.addEventListener('abort', fail)
      shell.on('close', fail)
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    pid,
    async kill(signal) {
      process.kill(pid, signal)
      while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
      await stop()
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** The shell has not waited for it: a zombie is gone too. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { EventingError } from '@sluice/errors'

const LEASH = new URL('./leash.ts', import.meta.url).href
const KEEP_OUTPUT = 1024 * 1024

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** For Node itself, before `main`. */
  readonly nodeArgs?: readonly string[]
  readonly cwd?: string
  /**
   * Lines that must appear on stdout, by name, first group taken; e.g. `{ ingress: /^\s*ingress\s+(http\S+)/m }`.
   * Absent: those of standalone. Empty: ready at once.
   */
  readonly ready?: Readonly<Record<string, RegExp>>
  /** Default 10,000. */
  readonly readyTimeoutMs?: number
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number
  /** What the ready lines said, by name. */
  readonly urls: Readonly<Record<string, string>>
  /** The last mebibyte of each stream. */
  stdout(): string
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Fulfils once it has ended and its output is complete. */
  readonly exit: Promise<Exit>
  /** The first match on stdout, now or later. Rejects with INTERNAL after `timeoutMs` (default 4,000) or its end. */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
}

/** What `apps/standalone` prints when it is ready. */
export const STANDALONE_READY = {
  ingress: /^\s*ingress\s+(http\S+)/m,
  control: /^\s*control\s+(http\S+)/m,
  metrics: /^\s*metrics\s+(http\S+)/m,
} as const

/** Runs `main` to its end, whatever it is. For processes expected to refuse to start. */
export async function runToExit(main: string, options: ProcessOptions = {}) {
  await using child = await startProcess(main, { ...options, ready: {} })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.readyTimeoutMs ?? 10_000)
  const exit = await child.exit
  clearTimeout(timer)
  return { ...exit, stdout: child.stdout(), stderr: child.stderr() }
}

/**
 * Starts `main` with this Node and waits until every ready line was printed. Its environment is `env` and PATH only.
 * It dies with this process in every case. Rejects with INTERNAL, with its output, when it ends or stays silent first.
 */
export async function startProcess(main: string, options: ProcessOptions = {}): Promise<RunningProcess> {
  const { env = {}, args = [], nodeArgs = [], cwd, ready = STANDALONE_READY, readyTimeoutMs = 10_000 } = options
  const child = spawn(process.execPath, ['--import', LEASH, ...nodeArgs, main, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  // Writing to a process that has just died is not news.
  child.stdin.on('error', () => {})
  const output = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-KEEP_OUTPUT)
      for (const listener of listeners) listener()
    })
  }
  let ended: Exit | undefined
  const exit = once(child, 'close').then(([code, signal]): Exit => {
    ended = { code, signal }
    for (const listener of listeners) listener()
    return ended
  })
  await once(child, 'spawn')

  const printed = (pattern: RegExp, timeoutMs = 4_000) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer)
        listeners.delete(look)
      }
      const fail = (why: string) => {
        finish()
        const text = `${main} ${why} ${pattern}\n${output.stdout}\n${output.stderr}`
        reject(new EventingError({ code: 'INTERNAL' }, text))
      }
      const look = () => {
        const match = pattern.exec(output.stdout)
        if (match === null) {
          return ended && fail(`ended with ${ended.signal ?? ended.code} without printing`)
        }
        finish()
        resolve(match)
      }
      const timer = setTimeout(() => fail(`printed no line within ${timeoutMs} ms matching`), timeoutMs)
      listeners.add(look)
      look()
    })

  const stop = async () => {
    if (ended === undefined) child.kill('SIGKILL')
    await exit
  }
  const urls: Record<string, string> = {}
  try {
    for (const [name, pattern] of Object.entries(ready)) {
      urls[name] = (await printed(pattern, readyTimeoutMs))[1] ?? ''
    }
  } catch (error) {
    await stop()
    throw error
  }
  return {
    pid: child.pid as number,
    urls,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill: (signal) => void child.kill(signal),
    exit,
    printed,
    [Symbol.asyncDispose]: stop,
  }
}

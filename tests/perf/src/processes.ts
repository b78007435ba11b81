import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventingError } from '@sluice/errors'
import { startProcess, startScript } from '@sluice/testkit'

const START = startScript(fileURLToPath(new URL('../../..', import.meta.url)))
/** Floors, subjects and the product run on the same Node with the same flags. */
const SAME_NODE = START.nodeArgs
/** What `npm start` runs; SLUICE_MAIN names another build of it, such as the bundle. */
const STANDALONE = process.env.SLUICE_MAIN ?? START.main
/** `off` measures without the journal; unset, as `npm start` has it. */
const { JOURNAL } = process.env
const START_MS = 60_000
const STOP_MS = 5_000

export interface Program extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  readonly feedPort: number
  send(message: object): void
  /** Sends and waits for one answer. */
  ask(message: object, maxSeconds: number): Promise<object>
}

/** Starts a program of the bench, named from `src/`, and waits for the message with its ports. */
export async function forkProgram(
  file: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Promise<Program> {
  const child = fork(new URL(file, import.meta.url), [...args], {
    execArgv: [...SAME_NODE, ...nodeArgs],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const { port = 0, feedPort = 0 } = (await answerOf(child, file, START_MS)) as { port?: number; feedPort?: number }
  return {
    pid: child.pid as number,
    port,
    feedPort,
    send: (message) => void child.send(message),
    async ask(message, maxSeconds) {
      const answer = answerOf(child, file, maxSeconds * 1e3)
      child.send(message)
      return answer
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      // It leaves by itself when the channel closes, which is when a profile is written.
      child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(timer)
    },
  }
}

async function answerOf(child: ChildProcess, file: string, timeoutMs: number): Promise<object> {
  using stop = new DisposableStack()
  const ending = new AbortController()
  stop.defer(() => ending.abort())
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ending.signal])
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new EventingError({ code: 'INTERNAL' }, `${file} ended with ${code}`)
  })
  // Only one of the two is awaited to its end.
  ended.catch(() => {})
  const [message] = await Promise.race([once(child, 'message', { signal }), ended])
  return message as object
}

export interface Standalone extends AsyncDisposable {
  readonly pid: number
  /** Where events for broker default/default go. */
  readonly url: string
  /** Where the resources are. */
  readonly controlUrl: string
  readonly metricsUrl: string
}

/** Starts the product itself, as `npm start` does, on free ports with these manifests, over what the data directory holds. */
export async function startStandalone({
  dataDir,
  manifests,
  nodeArgs = [],
  ingressPort = '0',
}: {
  dataDir: string
  manifests: Readonly<Record<string, string>>
  nodeArgs?: readonly string[]
  ingressPort?: string
}): Promise<Standalone> {
  const folder = join(dataDir, 'manifests')
  mkdirSync(folder, { recursive: true })
  for (const [file, yaml] of Object.entries(manifests)) writeFileSync(join(folder, file), yaml)
  const env = {
    ...START.env,
    INGRESS_PORT: ingressPort,
    CONTROL_PORT: '0',
    METRICS_PORT: '0',
    SLUICE_DATA_DIR: join(dataDir, 'data'),
    SLUICE_MANIFESTS: folder,
    ...(JOURNAL === undefined ? {} : { JOURNAL }),
  }
  const child = await startProcess(STANDALONE, {
    env,
    nodeArgs: [...SAME_NODE, ...nodeArgs],
    readyTimeoutMs: START_MS,
  })
  return {
    pid: child.pid,
    url: `${child.urls.ingress?.replace(/\/$/, '')}/default/default`,
    controlUrl: (child.urls.control ?? '').replace(/\/$/, ''),
    metricsUrl: child.urls.metrics ?? '',
    async [Symbol.asyncDispose]() {
      if (nodeArgs.length > 0) {
        const timer = setTimeout(() => child.kill('SIGKILL'), 2 * STOP_MS)
        child.kill('SIGTERM')
        await child.exit
        clearTimeout(timer)
      }
      await child[Symbol.asyncDispose]()
    },
  }
}

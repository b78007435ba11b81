import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Posting, type RunningProcess, startProcess, startScript } from '@sluice/testkit'
import { request } from 'undici'

export const ROOT = new URL('../..', import.meta.url).pathname
const START = startScript(ROOT)
/** What `npm start` runs; SLUICE_MAIN names another build of it, such as the bundle. */
export const STANDALONE = process.env.SLUICE_MAIN ?? START.main

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** The standalone process over folders of its own, as a person would run it. */
export interface Installation extends AsyncDisposable {
  /** The process running now; another one after `restart`. */
  readonly running: RunningProcess
  readonly ingressUrl: string
  /** The environment the process was started with, ports fixed: enough to start a second one beside it. */
  readonly env: Readonly<Record<string, string>>
  /** Writes a file into the manifests folder, as an editor would. */
  write(file: string, yaml: string): void
  post(event: Pick<Posting, 'headers' | 'body'>, path?: string): Promise<Answer>
  get(url: string): Promise<Answer>
  /** Starts the process again on the same ports and folders; the old one must have ended. */
  restart(): Promise<void>
  /** Starts it again and kills it outright after `ms`, ready or not. */
  startDoomed(ms: number): Promise<void>
}

export interface InstallOptions {
  /** Files of the manifests folder. Absent: the variable is not set, so the default applies. */
  readonly manifests?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Absent: a temporary folder, removed at the end. */
  readonly dataDir?: string
  /** Absent: what `npm start` runs. */
  readonly main?: string
  /** Absent: the repository. */
  readonly cwd?: string
  readonly readyTimeoutMs?: number
}

export async function install({
  manifests,
  env: extra = {},
  dataDir,
  main = STANDALONE,
  cwd = ROOT,
  readyTimeoutMs = 10_000,
}: InstallOptions): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
  const manifestsDir = join(folder, 'manifests')
  const write = (file: string, yaml: string) => writeFileSync(join(manifestsDir, file), yaml)
  mkdirSync(manifestsDir)
  for (const [file, yaml] of Object.entries(manifests ?? {})) write(file, yaml)
  let env: Record<string, string> = {
    ...START.env,
    INGRESS_PORT: '0',
    CONTROL_PORT: '0',
    METRICS_PORT: '0',
    SLUICE_DATA_DIR: dataDir ?? join(folder, 'data'),
    ...(manifests === undefined ? {} : { SLUICE_MANIFESTS: manifestsDir }),
    ...extra,
  }
  const start = () => startProcess(main, { env, nodeArgs: START.nodeArgs, cwd, readyTimeoutMs })
  let running = await start().catch((error: unknown) => {
    rmSync(folder, { recursive: true })
    throw error
  })
  const portOf = (name: string) => new URL(running.urls[name] ?? '').port
  env = { ...env, INGRESS_PORT: portOf('ingress'), CONTROL_PORT: portOf('control'), METRICS_PORT: portOf('metrics') }
  const ingressUrl = (running.urls.ingress ?? '').replace(/\/$/, '')

  return {
    get running() {
      return running
    },
    ingressUrl,
    env,
    write,
    post: ({ headers, body }, path = '/default/default') =>
      answerOf(request(ingressUrl + path, { method: 'POST', headers, body })),
    get: (url) => answerOf(request(url)),
    async restart() {
      running = await start()
    },
    async startDoomed(ms) {
      await using doomed = await startProcess(main, { env, nodeArgs: START.nodeArgs, cwd, ready: {} })
      await wait(ms)
      doomed.kill('SIGKILL')
      await doomed.exit
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}

async function answerOf(pending: ReturnType<typeof request>): Promise<Answer> {
  const { statusCode, headers, body } = await pending
  return { status: statusCode, headers, text: await body.text() }
}

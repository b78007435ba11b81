import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EventingError } from '@sluice/errors'
import { request } from 'undici'
import { type RunningProcess, startProcess } from './process.ts'
import { startScript } from './start-script.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const START = startScript(ROOT)
const LOOK_MS = 20

export type SourceApp = 'source-cron' | 'source-github' | 'source-apiserver' | 'source-kafka'
export type App = 'controller' | 'ingress' | 'filter' | 'dispatcher' | 'filter-dispatcher' | SourceApp

/** One process of an installation whose services run apart. */
export interface Service {
  readonly running: RunningProcess
  readonly controlUrl: string
  /** Where the controller serves the contract, the ingress takes events, or source-github webhooks. */
  readonly url: string
  readyz(): Promise<{ status: number; body: Readiness }>
  kill(signal: NodeJS.Signals): Promise<void>
}

interface Readiness {
  readonly ready: boolean
  readonly checks: readonly { name: string; ready: boolean; reason?: string }[]
  readonly warnings?: readonly { name: string; reason: string }[]
}

interface Listed {
  readonly items: readonly {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
  }[]
}

/** Kinds that become Ready, by their path in the API. */
const READY_KINDS = [
  ...['brokers', 'triggers'].map((kind) => `eventing.knative.dev/v1/${kind}`),
  ...['channels', 'inmemorychannels', 'subscriptions'].map((kind) => `messaging.knative.dev/v1/${kind}`),
  ...['v1/pingsources', 'v1/apiserversources', 'v1/kafkasources', 'v1alpha1/githubsources'].map(
    (kind) => `sources.knative.dev/${kind}`,
  ),
]

/** An app in a process of its own, with the flags of `npm start`; resolves before it is ready. */
export function startApp(app: string, dataDir: string, env: Readonly<Record<string, string>>): Promise<RunningProcess> {
  return startProcess(join(ROOT, 'apps', app, 'src/main.ts'), {
    env: { ...START.env, CONTROL_PORT: '0', METRICS_PORT: 'off', SLUICE_DATA_DIR: dataDir, ...env },
    nodeArgs: START.nodeArgs,
    cwd: ROOT,
    ready: {},
  })
}

export interface ServicesApartOptions {
  /** Of every service: the driver and its variables. */
  readonly env: Readonly<Record<string, string>>
  /** Texts by file name. */
  readonly manifests: Readonly<Record<string, string>>
  /** Absent: a temporary one, removed at the end. */
  readonly folder?: string
  /** What a service may take to start, and an object to be Ready; default 15,000. */
  readonly readyMs?: number
}

/** Services in processes of their own over one folder of manifests, each with a data directory of its own. */
export class ServicesApart implements AsyncDisposable {
  readonly #options: ServicesApartOptions
  readonly #folder: string
  readonly #started: Service[] = []

  constructor(options: ServicesApartOptions) {
    this.#options = options
    this.#folder = options.folder ?? mkdtempSync(join(tmpdir(), 'sluice-apart-'))
    mkdirSync(join(this.#folder, 'manifests'))
    for (const [file, yaml] of Object.entries(options.manifests)) this.write(file, yaml)
  }

  write(file: string, yaml: string): void {
    writeFileSync(join(this.#folder, 'manifests', file), yaml)
  }

  controller(port = '0', controlPort = '0'): Promise<Service> {
    const env = { CONTROLLER_PORT: port, CONTROL_PORT: controlPort, SLUICE_MANIFESTS: join(this.#folder, 'manifests') }
    return this.#start('controller', 'controller', env, /"url":"([^"]+)"[^\n]*"serving the contract"/)
  }

  /** A replica keeps its data directory over restarts. */
  service(app: Exclude<App, 'controller'>, replica: string, contract: string): Promise<Service> {
    const env = { SLUICE_REPLICA: replica, SLUICE_CONTRACT: contract }
    switch (app) {
      case 'ingress':
        return this.#start(app, replica, { ...env, INGRESS_PORT: '0' }, /"url":"([^"]+)"[^\n]*"waiting for events"/)
      case 'source-github':
        return this.#start(app, replica, { ...env, RECEIVER_PORT: '0' }, /"url":"([^"]+)"[^\n]*"waiting for webhooks"/)
      case 'source-apiserver':
        return this.#start(app, replica, { ...env, KUBECONFIG: this.kubeconfig }, /("control")/)
      default:
        return this.#start(app, replica, env, /("control")/)
    }
  }

  /** Of the controller's own API. */
  get kubeconfig(): string {
    return join(this.#folder, 'controller', 'kubeconfig')
  }

  /** Resolves once every object of the manifests is Ready. */
  async allReady({ controlUrl }: Service): Promise<void> {
    await this.#until('every object to be Ready', async () => {
      const listed = READY_KINDS.map(async (kind) => {
        const { body } = await request(`${controlUrl}/apis/${kind}`)
        return ((await body.json()) as Listed).items
      })
      const items = (await Promise.all(listed)).flat()
      const isReady = items.every(({ status }) =>
        status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      )
      return items.length > 0 && isReady
    })
  }

  async #start(app: App, name: string, own: Readonly<Record<string, string>>, url: RegExp): Promise<Service> {
    const running = await startApp(app, join(this.#folder, name), { ...this.#options.env, ...own })
    const said = (pattern: RegExp) => pattern.exec(running.stderr())?.[1]
    await this.#until(
      () => `${name} to start: ${running.stderr()}`,
      async () => said(url) !== undefined && said(CONTROL) !== undefined,
    )
    const controlUrl = said(CONTROL) ?? ''
    const service: Service = {
      running,
      controlUrl,
      url: said(url) ?? '',
      async readyz() {
        const { statusCode, body } = await request(`${controlUrl}/readyz`)
        return { status: statusCode, body: (await body.json()) as Readiness }
      },
      async kill(signal) {
        running.kill(signal)
        await running.exit
      },
    }
    this.#started.push(service)
    return service
  }

  #until(what: string | (() => string), holds: () => Promise<boolean>): Promise<void> {
    return until(what, holds, this.#options.readyMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map(({ running }) => running[Symbol.asyncDispose]()))
    if (this.#options.folder === undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}

const CONTROL = /"control":"([^"]+)"[^\n]*"service started"/

/** Looks 50 times a second; rejects with what it waited for after `timeoutMs` (default 15,000). */
export async function until(
  what: string | (() => string),
  holds: () => Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += LOOK_MS) {
    if (await holds()) return
    await wait(LOOK_MS)
  }
  const text = typeof what === 'string' ? what : what()
  throw new EventingError({ code: 'INTERNAL' }, `waited ${timeoutMs} ms in vain for ${text}`)
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Posting, type RunningProcess, startProcess } from '@sluice/testkit'
import { request } from 'undici'
import { ROOT } from './installation.ts'

const LOOK_MS = 20

export type App = 'controller' | 'ingress' | 'filter' | 'dispatcher' | 'filter-dispatcher'

/** One process of an installation whose services run apart. */
export interface Service {
  readonly running: RunningProcess
  readonly controlUrl: string
  /** Where the controller serves the contract, or the ingress takes events. */
  readonly url: string
  readyz(): Promise<{ status: number; body: Readiness }>
  kill(signal: NodeJS.Signals): Promise<void>
}

interface Readiness {
  readonly ready: boolean
  readonly checks: readonly { name: string; ready: boolean; reason?: string }[]
  readonly warnings?: readonly { name: string; reason: string }[]
}

/** Services in processes of their own over one folder of manifests, each with a data directory of its own. */
export class ServicesApart implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-apart-'))
  readonly #env: Readonly<Record<string, string>>
  readonly #started: Service[] = []

  /** `env` is for every service: the driver and its variables. */
  constructor(env: Readonly<Record<string, string>>, manifests: Readonly<Record<string, string>>) {
    this.#env = env
    mkdirSync(join(this.#folder, 'manifests'))
    for (const [file, yaml] of Object.entries(manifests)) this.write(file, yaml)
  }

  write(file: string, yaml: string): void {
    writeFileSync(join(this.#folder, 'manifests', file), yaml)
  }

  controller(port = '0'): Promise<Service> {
    const env = { CONTROLLER_PORT: port, SLUICE_MANIFESTS: join(this.#folder, 'manifests') }
    return this.#start('controller', 'controller', env, /"url":"([^"]+)"[^\n]*"serving the contract"/)
  }

  /** A replica keeps its data directory over restarts. */
  service(app: Exclude<App, 'controller'>, replica: string, contract: string): Promise<Service> {
    const env = { SLUICE_REPLICA: replica, SLUICE_CONTRACT: contract }
    return app === 'ingress'
      ? this.#start(app, replica, { ...env, INGRESS_PORT: '0' }, /"url":"([^"]+)"[^\n]*"waiting for events"/)
      : this.#start(app, replica, env, /("control")/)
  }

  async #start(app: App, name: string, own: Readonly<Record<string, string>>, url: RegExp): Promise<Service> {
    const ports = { CONTROL_PORT: '0', METRICS_PORT: 'off', SLUICE_DATA_DIR: join(this.#folder, name) }
    const env = { ...ports, ...this.#env, ...own }
    const running = await startProcess(join(ROOT, 'apps', app, 'src/main.ts'), { env, ready: {} })
    const said = (pattern: RegExp) => pattern.exec(running.stderr())?.[1]
    await until(
      `${app} to start: ${running.stderr()}`,
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

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map(({ running }) => running[Symbol.asyncDispose]()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

const CONTROL = /"control":"([^"]+)"[^\n]*"service started"/

/** Looks 50 times a second; rejects with what it waited for after `timeoutMs` (default 15,000). */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += LOOK_MS) {
    if (await holds()) return
    await wait(LOOK_MS)
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
}

/** Posts until it is accepted: a service that starts or stops meanwhile answers 503, or nothing. */
export async function postUntilAccepted(ingressUrls: readonly string[], event: Posting, path = '/default/default') {
  for (let tries = 0; tries < 500; tries += 1) {
    const { headers, body } = event
    const url = `${ingressUrls[tries % ingressUrls.length]}${path}`
    const answer = await request(url, { method: 'POST', headers, body }).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 202) return
    await wait(LOOK_MS)
  }
  throw new Error(`event ${event.id} was not accepted`)
}

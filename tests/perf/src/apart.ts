import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventingError } from '@sluice/errors'
import { type RunningProcess, startProcess, startScript } from '@sluice/testkit'
import { request } from 'undici'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const START = startScript(ROOT)
const READY_MS = 60_000
const LOOK_MS = 50
const CONTROL = /"control":"([^"]+)"[^\n]*"service started"/
const INGRESS = /"url":"([^"]+)"[^\n]*"waiting for events"/
const CONTRACT = /"url":"([^"]+)"[^\n]*"serving the contract"/

/** Replicas by app. */
export type Replicas = Readonly<Partial<Record<'ingress' | 'filter' | 'dispatcher' | 'filter-dispatcher', number>>>

export interface Apart extends AsyncDisposable {
  /** Where events for broker default/default go. */
  readonly url: string
  /** By app; those of its replicas together. */
  readonly pids: Readonly<Record<string, readonly number[]>>
}

export interface ApartOptions {
  readonly dataDir: string
  readonly manifests: Readonly<Record<string, string>>
  readonly replicas: Replicas
  /** Of every service: the driver and its variables. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts a controller and these services, each a process of its own, and waits until every object is Ready. */
export async function startApart({ dataDir, manifests, replicas, env }: ApartOptions): Promise<Apart> {
  await using stack = new AsyncDisposableStack()
  const folder = join(dataDir, 'manifests')
  mkdirSync(folder)
  for (const [file, yaml] of Object.entries(manifests)) writeFileSync(join(folder, file), yaml)
  const start = async (app: string, name: string, own: Readonly<Record<string, string>>) => {
    const shared = {
      ...START.env,
      CONTROL_PORT: '0',
      METRICS_PORT: 'off',
      SLUICE_DATA_DIR: join(dataDir, name),
      ...env,
    }
    const main = join(ROOT, 'apps', app, 'src/main.ts')
    const running = await startProcess(main, { env: { ...shared, ...own }, nodeArgs: START.nodeArgs, ready: {} })
    return stack.use(running)
  }
  const controller = await start('controller', 'controller', { CONTROLLER_PORT: '0', SLUICE_MANIFESTS: folder })
  const contract = await said(controller, CONTRACT)
  const pids: Record<string, number[]> = {}
  let url = ''
  for (const [app, count = 0] of Object.entries(replicas)) {
    for (let n = 1; n <= count; n += 1) {
      const name = `${app}-${n}`
      const follows = { SLUICE_CONTRACT: contract, SLUICE_REPLICA: name }
      const service = await start(app, name, app === 'ingress' ? { ...follows, INGRESS_PORT: '0' } : follows)
      pids[app] = [...(pids[app] ?? []), service.pid]
      if (app === 'ingress') url = `${(await said(service, INGRESS)).replace(/\/$/, '')}/default/default`
    }
  }
  await allReady(await said(controller, CONTROL))
  const disposal = stack.move()
  return { url, pids, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}

async function said(running: RunningProcess, pattern: RegExp): Promise<string> {
  return await until(`${pattern}: ${running.stderr()}`, async () => pattern.exec(running.stderr())?.[1])
}

interface Report {
  readonly statuses: readonly { readonly conditions: readonly { readonly type: string; readonly status: string }[] }[]
}

async function allReady(controlUrl: string): Promise<void> {
  await until('every object to be Ready', async () => {
    const { body } = await request(`${controlUrl}/contract`)
    const { statuses } = (await body.json()) as Report
    const isReady = statuses.every(({ conditions }) =>
      conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
    )
    return statuses.length > 0 && isReady ? '' : undefined
  })
}

async function until(what: string, look: () => Promise<string | undefined>): Promise<string> {
  for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += LOOK_MS) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  throw new EventingError({ code: 'INTERNAL' }, `waited ${READY_MS} ms in vain for ${what}`)
}

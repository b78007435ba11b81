import { type App, ServicesApart } from '@sluice/testkit'

/** A machine that is measured on starts a dozen of them slowly. */
const READY_MS = 60_000

/** Replicas by app. */
export type Replicas = Readonly<Partial<Record<Exclude<App, 'controller'>, number>>>

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
export async function startApart({ dataDir, replicas, ...options }: ApartOptions): Promise<Apart> {
  await using stack = new AsyncDisposableStack()
  const apart = stack.use(new ServicesApart({ ...options, folder: dataDir, readyMs: READY_MS }))
  const controller = await apart.controller()
  const pids: Record<string, number[]> = {}
  let url = ''
  for (const [app, count = 0] of Object.entries(replicas) as [keyof Replicas, number][]) {
    for (let n = 1; n <= count; n += 1) {
      const service = await apart.service(app, `${app}-${n}`, controller.url)
      pids[app] = [...(pids[app] ?? []), service.running.pid]
      if (app === 'ingress') url = `${service.url.replace(/\/$/, '')}/default/default`
    }
  }
  await apart.allReady(controller)
  const disposal = stack.move()
  return { url, pids, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}

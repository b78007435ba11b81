import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Backend } from './backend.ts'
import { freePort } from './free-port.ts'
import type { Blow, Layout, LayoutOptions, Part } from './layout.ts'
import { contractIn, remainsOf } from './remains.ts'
import { type Service, service } from './service.ts'

/** The cursor of a lane is written 10 ms after an end; the rest is the machine's. */
const UNCOMMITTED_MS = 200
const FOUND_MS = 5_000
const LOOK_MS = 50
const ALL: readonly Blow[] = ['killed', 'killed twice', 'stopped', 'paused']
/** A pause may be longer than what is left of a lease. */
const UNSTORED: readonly Blow[] = ['killed', 'killed twice', 'paused']

/** Controller, two of each other service, and the server between them, each in a process of its own. */
export async function apart(open: () => Promise<Backend>, { manifests }: LayoutOptions): Promise<Layout> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-apart-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const manifestsDir = join(folder, 'manifests')
  mkdirSync(manifestsDir)
  writeFileSync(join(manifestsDir, 'all.yaml'), manifests)
  const backend = stack.use(await open())
  const [controllerPort, ...ingressPorts] = await Promise.all([freePort(), freePort(), freePort()])
  const ingressOrigins = ingressPorts.map((port) => `http://127.0.0.1:${port}`)
  const shared = backend.env
  const follows = { ...shared, SLUICE_CONTRACT: `http://127.0.0.1:${controllerPort}` }
  const [ingressUrl = ''] = ingressOrigins

  const make = async (
    app: string,
    n: number,
    weight: number,
    repeatsAfter: readonly Blow[],
    env: Record<string, string>,
  ) => {
    const replica = app === 'controller' ? {} : { SLUICE_REPLICA: `${app}-${n}` }
    const made = await service({
      app,
      name: `${app}-${n}`,
      folder,
      weight,
      repeatsAfter,
      uncommittedMs: UNCOMMITTED_MS,
      env: { ...env, ...replica },
    })
    return stack.use(made)
  }
  const controller = await make('controller', 1, 1, [], {
    ...{ ...shared, SLUICE_MANIFESTS: manifestsDir, CONTROLLER_PORT: String(controllerPort), INGRESS_URL: ingressUrl },
  })
  const services: Service[] = []
  for (const n of [1, 2]) {
    services.push(await make('ingress', n, 2, [], { ...follows, INGRESS_PORT: String(ingressPorts[n - 1]) }))
    services.push(await make('filter', n, 3, [], follows))
    services.push(await make('dispatcher', n, 4, UNSTORED, { ...follows, INGRESS_URL: ingressUrl }))
  }
  const start = async () => {
    await controller.start()
    await Promise.all(services.map((each) => each.start()))
  }
  await start()
  const disposal = stack.move()
  return {
    name: backend.name,
    ingressUrls: ingressOrigins.map((origin) => `${origin}/default/default`),
    groups: [services, [...backend.servers.map((each) => serverPart(each, services)), controller]],
    async stop() {
      for (const each of services) await each.stop()
      await controller.stop()
      await using driver = await backend.open()
      return await remainsOf(driver, contractIn(join(folder, controller.name, 'contract.json')))
    },
    start,
    logs: () => new Map([controller, ...services].map(({ name, log }) => [name, String(log)])),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

/** Deliveries whose end it did not store are made again, however it went away. */
function serverPart(server: Backend['servers'][number], services: readonly Service[]): Part {
  /** Until they have found it again, what they deliver comes again as well. One may be down for a blow of its own. */
  const found = async () => {
    const until = performance.now() + FOUND_MS
    while (performance.now() < until) {
      const ready = await Promise.all(services.map((each) => each.isReady()))
      if (!ready.includes(false)) return
      await wait(LOOK_MS)
    }
  }
  return {
    ...server,
    ...{ weight: 2, repeatsAfter: ALL, uncommittedMs: UNCOMMITTED_MS },
    async start() {
      await server.start()
      await found()
    },
  }
}

import { freePorts } from './free-ports.ts'
import { type NatsServer, startNats } from './nats.ts'
import type { Provision } from './provision.ts'

export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly NatsServer[]
  /** All of them, as the driver takes them. */
  readonly url: string
}

/** Servers of one JetStream cluster, each one that can be killed and started again. Undefined where none can be started. */
export async function startNatsCluster(provision: Provision, size = 3, config = ''): Promise<NatsCluster | undefined> {
  if (provision.found?.kind !== 'program') return undefined
  const ports = await freePorts(size)
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')
  const started = await Promise.all(
    ports.map((port, n) => {
      const cluster = `cluster { name: testkit, listen: "127.0.0.1:${port}", routes: [${routes}] }`
      return startNats(provision, `server_name: n${n + 1}\n${cluster}\n${config}`)
    }),
  )
  const servers = started.filter((each) => each !== undefined)
  return {
    servers,
    url: servers.map(({ url }) => url).join(','),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((each) => each[Symbol.asyncDispose]()))
    },
  }
}

import { freePorts } from './free-ports.ts'
import { type KafkaServer, startNode } from './kafka.ts'
import type { Provision } from './provision.ts'

export interface KafkaCluster extends AsyncDisposable {
  readonly servers: readonly KafkaServer[]
  /** All of them, as the driver takes them. */
  readonly brokers: string
}

/**
 * KRaft nodes that are brokers and controllers of one cluster, each one that can be killed, paused and started again. Undefined
 * where none can be started.
 */
export async function startKafkaCluster(
  { found }: Provision,
  size = 3,
  config = '',
): Promise<KafkaCluster | undefined> {
  if (found?.kind !== 'program') return undefined
  const ports = await freePorts(2 * size)
  const controllerPorts = ports.slice(size)
  const voters = controllerPorts.map((port, n) => `${n + 1}@127.0.0.1:${port}`).join(',')
  const starting = controllerPorts.map((controllerPort, n) =>
    startNode(found.path, {
      ...{ id: n + 1, port: ports[n] as number, controllerPort, voters, copies: size, config, listeners: [] },
    }),
  )
  const started = await Promise.allSettled(starting)
  const servers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const dispose = async () => void (await Promise.all(servers.map((each) => each[Symbol.asyncDispose]())))
  for (const each of started) {
    if (each.status === 'fulfilled') continue
    await dispose()
    throw each.reason
  }
  return { servers, brokers: servers.map(({ brokers }) => brokers).join(','), [Symbol.asyncDispose]: dispose }
}

import { type KafkaSettings, readChannelTemplate } from '@sluice/resources/settings'
import type { ObjectKey } from '../api/resource-client.ts'
import type { Context } from './context.ts'
import { kafkaSettings } from './kafka-config.ts'
import { BROKER_CLASSES, LOG_CHANNELS } from './kinds.ts'
import type { Fields } from './objects.ts'
import { dataOf } from './settings.ts'

const MT = 'MTChannelBasedBroker'
const MAX_LANES = 64

/** Of the ConfigMap in `spec.config`. `without`: what of it has no effect. */
export type BrokerConfig = Read | { readonly reason: string; readonly message: string }

interface Read {
  readonly driver?: string
  readonly lanes?: number
  readonly replicas?: number
  readonly retention?: KafkaSettings['retention']
  readonly without: readonly string[]
}

export function configKey(config: Fields, namespace: string): ObjectKey {
  return { namespace: String(config.namespace ?? namespace), name: String(config.name) }
}

/**
 * Which driver stores the log, and its lanes: what the class says, for MTChannelBasedBroker its channel template, for
 * Kafka the partitions. Source: knative-extensions/eventing-kafka-broker control-plane/pkg/kafka/topic.go.
 */
export async function configOf(
  context: Context,
  brokerClass: string,
  config: Fields | undefined,
  namespace: string,
): Promise<BrokerConfig> {
  const byClass = BROKER_CLASSES[brokerClass] ?? {}
  const read = config === undefined ? { without: [] } : await readConfig(context, brokerClass, config, namespace)
  if ('reason' in read) return read
  const { driver: named, ...rest } = read
  const driver = running(context, named ?? byClass.driver)
  if ('reason' in driver) return driver
  return { ...rest, ...(driver.name !== undefined && { driver: driver.name }) }
}

async function readConfig(
  context: Context,
  brokerClass: string,
  config: Fields,
  namespace: string,
): Promise<BrokerConfig> {
  if (brokerClass !== MT && brokerClass !== 'Kafka') return { without: ['spec.config'] }
  const failed = (message: string) => ({ reason: 'ChannelTemplateFailed', message })
  if (config.kind !== 'ConfigMap') return failed(`spec.config must be a ConfigMap, found ${String(config.kind)}`)
  const key = configKey(config, namespace)
  const called = `ConfigMap ${key.namespace}/${key.name}`
  const found = context.informer('ConfigMap').get(key)
  if (found === undefined) return failed(`${called} does not exist`)
  const data = dataOf(found)
  if (brokerClass === 'Kafka') {
    const settings = await kafkaSettings(context, data, called, key.namespace ?? namespace)
    return 'reason' in settings ? settings : kafkaConfig(settings, called)
  }
  const read = readChannelTemplate(data)
  if ('problem' in read) return failed(`${called} ${read.problem}`)
  const { kind, spec = {} } = read.value
  if (!Object.hasOwn(LOG_CHANNELS, kind)) {
    const known = Object.keys(LOG_CHANNELS).join(', ')
    return failed(`${called}: ${kind} is not a channel of this installation: use ${known}`)
  }
  const { numPartitions, replicationFactor, ...rest } = spec
  const without = Object.keys(rest).map((field) => `${field} of ${called}`)
  const replicas = Number.isInteger(replicationFactor) ? { replicas: Number(replicationFactor) } : {}
  if (numPartitions === undefined) return { ...LOG_CHANNELS[kind], ...replicas, without }
  return lanesOf(numPartitions, `${called}: numPartitions`, { ...LOG_CHANNELS[kind], ...replicas, without })
}

function kafkaConfig({ partitions, replicas, retention, others }: KafkaSettings, called: string): Read {
  return {
    without: others.map((key) => `${key} of ${called}`),
    ...(partitions !== undefined && { lanes: partitions }),
    ...(replicas !== undefined && { replicas }),
    ...(retention !== undefined && { retention }),
  }
}

function lanesOf(lanes: unknown, called: string, rest: Read): BrokerConfig {
  if (Number.isInteger(lanes) && Number(lanes) >= 1 && Number(lanes) <= MAX_LANES)
    return { ...rest, lanes: Number(lanes) }
  return { reason: 'ConfigInvalid', message: `${called} must be a whole number from 1 to ${MAX_LANES}` }
}

/** The driver, if it is not the default one, or why it is none. */
export function running(
  { drivers }: Pick<Context, 'drivers'>,
  name: string | undefined,
): { readonly name?: string } | { readonly reason: string; readonly message: string } {
  if (name === undefined || name === drivers.default) return {}
  if (drivers.has(name)) return { name }
  return { reason: 'DriverNotRunning', message: `this installation does not run ${name}: ${drivers.fix(name)}` }
}

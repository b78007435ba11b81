import { readChannelTemplate } from '@sluice/resources/settings'
import type { ObjectKey } from '../api/resource-client.ts'
import type { Context } from './context.ts'
import { BROKER_CLASSES, LOG_CHANNELS } from './kinds.ts'
import type { Fields } from './objects.ts'
import { dataOf } from './settings.ts'

const MT = 'MTChannelBasedBroker'
const PARTITIONS = 'default.topic.partitions'
const MAX_LANES = 64

/** Of the ConfigMap in `spec.config`. `without`: what of it has no effect. */
export type BrokerConfig =
  | { readonly driver?: string; readonly lanes?: number; readonly without: readonly string[] }
  | { readonly reason: string; readonly message: string }

export function configKey(config: Fields, namespace: string): ObjectKey {
  return { namespace: String(config.namespace ?? namespace), name: String(config.name) }
}

/**
 * Which driver stores the log, and its lanes: what the class says, for MTChannelBasedBroker its channel template, for
 * Kafka the partitions. Source: knative-extensions/eventing-kafka-broker control-plane/pkg/kafka/topic.go.
 */
export function configOf(
  context: Context,
  brokerClass: string,
  config: Fields | undefined,
  namespace: string,
): BrokerConfig {
  const byClass = BROKER_CLASSES[brokerClass] ?? {}
  const read = config === undefined ? { without: [] } : readConfig(context, brokerClass, config, namespace)
  if ('reason' in read) return read
  const { without, lanes } = read
  const driver = running(context, read.driver ?? byClass.driver)
  if ('reason' in driver) return driver
  return { without, ...(lanes !== undefined && { lanes }), ...(driver.name !== undefined && { driver: driver.name }) }
}

function readConfig(context: Context, brokerClass: string, config: Fields, namespace: string): BrokerConfig {
  if (brokerClass !== MT && brokerClass !== 'Kafka') return { without: ['spec.config'] }
  const failed = (message: string) => ({ reason: 'ChannelTemplateFailed', message })
  if (config.kind !== 'ConfigMap') return failed(`spec.config must be a ConfigMap, found ${String(config.kind)}`)
  const key = configKey(config, namespace)
  const called = `ConfigMap ${key.namespace}/${key.name}`
  const found = context.informer('ConfigMap').get(key)
  if (found === undefined) return failed(`${called} does not exist`)
  const data = dataOf(found)
  if (brokerClass === 'Kafka') return kafkaConfig(data, called)
  const read = readChannelTemplate(data)
  if ('problem' in read) return failed(`${called} ${read.problem}`)
  const { kind, spec = {} } = read.value
  if (!Object.hasOwn(LOG_CHANNELS, kind)) {
    const known = Object.keys(LOG_CHANNELS).join(', ')
    return failed(`${called}: ${kind} is not a channel of this installation: use ${known}`)
  }
  const { numPartitions, ...rest } = spec
  const without = Object.keys(rest).map((field) => `${field} of ${called}`)
  if (numPartitions === undefined) return { ...LOG_CHANNELS[kind], without }
  return lanesOf(numPartitions, `${called}: numPartitions`, { ...LOG_CHANNELS[kind], without })
}

function kafkaConfig(data: Readonly<Record<string, string>>, called: string): BrokerConfig {
  const { [PARTITIONS]: partitions, ...rest } = data
  const without = Object.keys(rest).map((key) => `${key} of ${called}`)
  return partitions === undefined ? { without } : lanesOf(Number(partitions), `${called}: ${PARTITIONS}`, { without })
}

function lanesOf(lanes: unknown, called: string, rest: { driver?: string; without: readonly string[] }): BrokerConfig {
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

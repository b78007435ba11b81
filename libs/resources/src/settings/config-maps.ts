import { parse } from 'yaml'
import { z } from 'zod'
import { delivery } from '../api/types/delivery.ts'
import { findings } from '../issues.ts'
import { formatPath } from '../problem.ts'
import type { Reading } from './annotations.ts'

type Data = Readonly<Record<string, string>>

const configReference = {
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  delivery: delivery.optional(),
}

const brokerDefault = z.strictObject({
  ...configReference,
  brokerClass: z.string().min(1).optional(),
  brokerClasses: z.record(z.string(), z.strictObject(configReference)).optional(),
  disallowDifferentNamespaceConfig: z.boolean().optional(),
})

const brokerDefaults = z.strictObject({
  clusterDefault: brokerDefault.optional(),
  namespaceDefaults: z.record(z.string(), brokerDefault).optional(),
})
export type BrokerDefaults = z.output<typeof brokerDefaults>

const template = z.strictObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  spec: z.record(z.string(), z.unknown()).optional(),
})
/** The channel to make. */
export type ChannelTemplate = z.output<typeof template>

const channelDefaults = z.strictObject({
  clusterDefault: template.optional(),
  namespaceDefaults: z.record(z.string(), template).optional(),
})
export type ChannelDefaults = z.output<typeof channelDefaults>

const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
})
/** Kubernetes' LabelSelector; an empty one selects everything. */
export type LabelSelector = z.output<typeof selector>

export interface SugarSettings {
  readonly namespaces?: LabelSelector
  readonly triggers?: LabelSelector
}

/** config-br-defaults. Source: knative/eventing pkg/apis/config/defaults.go. */
export function readBrokerDefaults(data: Data): Reading<BrokerDefaults> {
  return readYamlKey(data, 'default-br-config', brokerDefaults)
}

/** default-ch-webhook. Source: knative/eventing pkg/apis/messaging/config/channel_defaults.go. */
export function readChannelDefaults(data: Data): Reading<ChannelDefaults> {
  return readYamlKey(data, 'default-ch-config', channelDefaults)
}

/** What a Broker of class MTChannelBasedBroker names in `spec.config`. */
export function readChannelTemplate(data: Data): Reading<ChannelTemplate> {
  const key = data['channel-template-spec'] === undefined ? 'channelTemplateSpec' : 'channel-template-spec'
  if (data[key] === undefined) return { problem: 'lacks the key channel-template-spec' }
  return readYamlKey(data, key, template)
}

/** config-sugar. A selector that is absent or blank selects nothing. */
export function readSugar(data: Data): Reading<SugarSettings> {
  const read = (key: string): Reading<LabelSelector | undefined> =>
    (data[key] ?? '').trim() === '' ? { value: undefined } : readYamlKey(data, key, selector)
  const [namespaces, triggers] = [read('namespace-selector'), read('trigger-selector')]
  const problems = [namespaces, triggers].flatMap((each) => ('problem' in each ? [each.problem] : []))
  if ('problem' in namespaces || 'problem' in triggers) return { problem: problems.join('; ') }
  return {
    value: {
      ...(namespaces.value && { namespaces: namespaces.value }),
      ...(triggers.value && { triggers: triggers.value }),
    },
  }
}

/** config-ping-defaults: the longest data of a PingSource in bytes; undefined: any. Source: knative/eventing pkg/apis/sources/config/ping_defaults.go. */
export function readPingDefaults(data: Data): Reading<number | undefined> {
  const key = data['data-max-size'] === undefined ? 'dataMaxSize' : 'data-max-size'
  const text = data[key]?.trim()
  if (text === undefined || text === '-1') return { value: undefined }
  return /^\d{1,15}$/.test(text)
    ? { value: Number(text) }
    : { problem: `${key} must be a number of bytes, or -1 for any` }
}

/** config-features: whether a flag is on. Keys that begin with `_` are examples. */
export function readFeatures(data: Data): Reading<ReadonlySet<string>> {
  const flags = Object.entries(data).filter(([key]) => !key.startsWith('_'))
  return { value: new Set(flags.filter(([, value]) => value.trim().toLowerCase() === 'enabled').map(([key]) => key)) }
}

export function selects(selector: LabelSelector, labels: Data): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      return (value !== undefined && values.includes(value)) === (operator === 'In')
    })
  )
}

function readYamlKey<S extends z.ZodType>(data: Data, key: string, schema: S): Reading<z.output<S>> {
  if (data[key] === undefined) return { problem: `lacks the key ${key}` }
  let value: unknown
  try {
    value = parse(data[key], { prettyErrors: false, logLevel: 'error' }) ?? {}
  } catch (error) {
    return { problem: `${key} is not YAML: ${error instanceof Error ? error.message : String(error)}` }
  }
  const read = schema.safeParse(value)
  if (read.success) return { value: read.data }
  const found = findings(read.error, value)
  return { problem: found.map(({ path, problem }) => `${key}: ${formatPath(path)} ${problem}`).join('; ') }
}

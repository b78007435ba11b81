import type { ApiObject } from '@sluice/resources/api'
import {
  type BrokerDefaults,
  type ChannelDefaults,
  type ChannelTemplate,
  type Reading,
  readBrokerDefaults,
  readChannelDefaults,
  readFeatures,
  readPingDefaults,
  readSugar,
  type SugarSettings,
} from '@sluice/resources/settings'
import type { Informer } from '../api/resource-client.ts'
import type { Fields } from './objects.ts'

export const SYSTEM_NAMESPACE = 'knative-eventing'

const READ = {
  'config-br-defaults': readBrokerDefaults,
  'default-ch-webhook': readChannelDefaults,
  'config-features': readFeatures,
  'config-ping-defaults': readPingDefaults,
  'config-sugar': readSugar,
} as const satisfies Record<string, (data: Readonly<Record<string, string>>) => Reading<unknown>>

export type SettingsName = keyof typeof READ

interface Values {
  'config-br-defaults': BrokerDefaults
  'default-ch-webhook': ChannelDefaults
  'config-features': ReadonlySet<string>
  'config-ping-defaults': number | undefined
  'config-sugar': SugarSettings
}

const ABSENT: Values = {
  'config-br-defaults': {},
  'default-ch-webhook': {},
  'config-features': new Set(),
  'config-ping-defaults': undefined,
  'config-sugar': {},
}

export const DEFAULT_CHANNEL: ChannelTemplate = { apiVersion: 'messaging.knative.dev/v1', kind: 'InMemoryChannel' }
export const DEFAULT_CLASS = 'Sluice'

/** What ConfigMaps say for all: the last that could be read stays in force. */
export interface Settings {
  readonly namespace: string
  brokerClass(namespace: string): string
  /** Delivery and config of a Broker that says nothing of them. */
  brokerDefault(namespace: string, brokerClass: string): { readonly delivery?: Fields; readonly config?: Fields }
  channelTemplate(namespace: string): ChannelTemplate
  isEnabled(feature: string): boolean
  sugar(): SugarSettings
  /** Longest data of a PingSource, in bytes. */
  pingDataMaxSize(): number | undefined
  /** What is wrong with the ConfigMap as it is. */
  problemOf(name: string): string | undefined
}

export function isSettings(name: string): name is SettingsName {
  return Object.hasOwn(READ, name)
}

export function createSettings(configMaps: Pick<Informer, 'get'>, namespace = SYSTEM_NAMESPACE): Settings {
  const held = new Map<SettingsName, { readonly of: ApiObject | undefined; value: unknown; problem?: string }>()

  function read<N extends SettingsName>(name: N) {
    const object = configMaps.get({ namespace, name })
    const before = held.get(name)
    if (before !== undefined && before.of === object) return before
    const answer: Reading<unknown> = object === undefined ? { value: ABSENT[name] } : READ[name](dataOf(object))
    const now =
      'value' in answer
        ? { of: object, value: answer.value }
        : { of: object, value: before?.value ?? ABSENT[name], problem: answer.problem }
    held.set(name, now)
    return now
  }
  const value = <N extends SettingsName>(name: N) => read(name).value as Values[N]

  return {
    namespace,
    brokerClass(of) {
      const { clusterDefault, namespaceDefaults } = value('config-br-defaults')
      return namespaceDefaults?.[of]?.brokerClass ?? clusterDefault?.brokerClass ?? DEFAULT_CLASS
    },
    brokerDefault(of, brokerClass) {
      const { clusterDefault, namespaceDefaults } = value('config-br-defaults')
      const own = namespaceDefaults?.[of]
      const found =
        own?.brokerClasses?.[brokerClass] ??
        (own?.brokerClass === brokerClass ? own : undefined) ??
        clusterDefault?.brokerClasses?.[brokerClass] ??
        (clusterDefault?.brokerClass === undefined || clusterDefault.brokerClass === brokerClass
          ? clusterDefault
          : undefined)
      const { delivery, apiVersion, kind, name, namespace: where } = found ?? {}
      const isConfig = kind !== undefined && name !== undefined
      return {
        ...(delivery && { delivery: delivery as Fields }),
        ...(isConfig && { config: { apiVersion, kind, name, namespace: where ?? namespace } }),
      }
    },
    channelTemplate(of) {
      const { clusterDefault, namespaceDefaults } = value('default-ch-webhook')
      return namespaceDefaults?.[of] ?? clusterDefault ?? DEFAULT_CHANNEL
    },
    isEnabled: (feature) => value('config-features').has(feature),
    sugar: () => value('config-sugar'),
    pingDataMaxSize: () => value('config-ping-defaults'),
    problemOf: (name) => (isSettings(name) ? (read(name) as { problem?: string }).problem : undefined),
  }
}

export function dataOf(object: ApiObject): Readonly<Record<string, string>> {
  return (object.data ?? {}) as Readonly<Record<string, string>>
}

import type { ApiObject } from '@sluice/resources/api'
import type { ChannelTemplate } from '@sluice/resources/settings'
import { keyOf, specOf, statusFieldsOf } from './objects.ts'
import type { Settings } from './settings.ts'

/** What a Channel makes: what it made once, else what it says, else the default of its namespace. */
export function templateOf(channel: ApiObject, settings: Settings): ChannelTemplate {
  const { channelTemplate } = specOf(channel) as { channelTemplate?: ChannelTemplate }
  const fallback = settings.channelTemplate(keyOf(channel).namespace)
  const template = channelTemplate ?? fallback
  const { apiVersion, kind } = (statusFieldsOf(channel).channel ?? {}) as Partial<ChannelTemplate>
  if (apiVersion === undefined || kind === undefined || kind === template.kind) return template
  return { apiVersion, kind }
}

export function backingKind(channel: ApiObject, settings: Settings): string {
  return templateOf(channel, settings).kind
}

import { EventingError, isFailure, type ResourceRefused } from '@sluice/errors'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import type { Registry } from '../registry.ts'
import type { RegistryOptions } from './config.ts'
import { openRegistry } from './open-registry.ts'

export const table = apiTable()

export function servedAs(apiVersion: string, kind: string): ServedVersion {
  return table.ofKind(apiVersion, kind) as ServedVersion
}

export const BROKER = servedAs('eventing.knative.dev/v1', 'Broker')
export const TRIGGER = servedAs('eventing.knative.dev/v1', 'Trigger')
export const CONFIG_MAP = servedAs('v1', 'ConfigMap')
export const NAMESPACE = servedAs('v1', 'Namespace')
export const EVENT = servedAs('v1', 'Event')
export const BY = { fieldManager: 'test' }

export function open(options: Partial<RegistryOptions> = {}): Promise<Registry> {
  return openRegistry({
    ...{ path: ':memory:', table, clock: new VirtualClock(), telemetry: createTestTelemetry() },
    ...options,
  })
}

export function object(served: ServedVersion, name: string, rest: object = {}, metadata: object = {}): ApiObject {
  return { apiVersion: served.apiVersion, kind: served.kind.kind, metadata: { name, ...metadata }, ...rest }
}

export function at(name: string) {
  return { namespace: 'default', name }
}

/** What a write is refused with. */
export async function refusal(writing: Promise<unknown>): Promise<EventingError<ResourceRefused>> {
  try {
    await writing
  } catch (error) {
    if (isFailure(error, 'RESOURCE_REFUSED')) return error
    throw error
  }
  throw new EventingError({ code: 'INTERNAL' }, 'it was not refused')
}

import { type Clock, systemClock } from '@sluice/clock'
import { openRegistry, type Registry } from '@sluice/resource-api'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import { formatProblem, joinFiles, manifestParser } from '@sluice/resources/manifests'
import { createTestTelemetry } from '@sluice/telemetry/testing'

export const table = apiTable()
const parse = manifestParser(table)

export const BROKER = 'apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: default}\n'

export function triggerText(name: string, url = 'http://sink/'): string {
  return `apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: ${name}}\nspec: {broker: default, subscriber: {uri: "${url}"}}\n`
}

export function served(kind: string): ServedVersion {
  return table.served.find(({ kind: { kind: name }, version }) => name === kind && version.storage) as ServedVersion
}

/** The objects of one file, `all.yaml`; none of them may be invalid by itself. */
export function objectsOf(...texts: readonly string[]) {
  const { objects, problems } = joinFiles([parse('all.yaml', Buffer.from(texts.join('---\n')))])
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join(', '))
  return objects
}

/** A registry in memory. */
export function openMemory(clock: Clock = systemClock): Promise<Registry> {
  return openRegistry({ path: ':memory:', table, clock, telemetry: createTestTelemetry() })
}

/** Of every namespace, sorted: `shop/orders`. */
export function namesOf(registry: Registry, kind: string): readonly string[] {
  return registry
    .list(served(kind), {})
    .items.map(({ metadata: { namespace, name } }) => [namespace, name].filter(Boolean).join('/'))
    .sort()
}

export function get(registry: Registry, kind: string, name: string, namespace = 'default'): ApiObject {
  return registry.get(served(kind), { namespace, name })
}

import type { CloudEvent } from '@sluice/cloudevents'
import type { ApiServerSourceRow } from '@sluice/contract'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress, VirtualClock } from '@sluice/testkit'
import { apiServerSources } from '../src/api-server-sources.ts'
import { ScriptedApiServer } from './scripted-api-server.ts'

export const ROW: ApiServerSourceRow = {
  ...{ uid: 'u1', hash: '', kind: 'ApiServerSource', namespace: 'shop', name: 'objects' },
  target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
  resources: [{ apiVersion: 'v1', kind: 'Pod' }],
  ...{ mode: 'Resource', serviceAccountName: 'default', namespaces: ['shop'], initialListing: 'none' },
}

/** Everything around the sources of an API server, none of it real. */
export function bench() {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const desk = createFakeDesk<ApiServerSourceRow>({ clock })
  const ingress = createFakeIngress()
  const api = new ScriptedApiServer(clock)
  const bearers = new Set<string>()
  const own: string[] = []
  const cluster = {
    server: 'https://10.96.0.1:443',
    async transport(path: string, init: RequestInit) {
      own.push(`${init.method} ${path}`)
      return api.transport(path, init)
    },
    bearing:
      (token: () => Promise<string>): typeof api.transport =>
      async (path, init) => {
        bearers.add(await token())
        return api.transport(path, init)
      },
  }
  const deps = { clock, telemetry, sender: ingress.sender, random: () => 0 }
  /** A replica of the service. */
  const replica = () => {
    const sources = apiServerSources({ cluster, telemetry, random: () => 0 })
    return runSources({ ...deps, desk: desk.replica(), hold: sources.hold })
  }
  const conditions = () => desk.reports(ROW.uid).at(-1)?.conditions ?? {}
  /** `add shop/a 101`, as stored, repeats left out. */
  const told = () =>
    [...new Map(ingress.stored.map((event) => [event.attributes.get('id'), event])).values()].map(inShort)
  return { clock, telemetry, desk, ingress, api, replica, conditions, told, bearers, own }
}

export function inShort(event: CloudEvent): string {
  const { metadata } = JSON.parse(String(event.data))
  const of = (name: string) => String(event.attributes.get(name))
  const what = of('type').split('.').at(-1)
  return `${what} ${of('namespace')}/${of('name')}${metadata === undefined ? '' : ` ${metadata.resourceVersion}`}`
}

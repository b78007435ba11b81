import { createEvent } from '@sluice/cloudevents'
import type { DeliveryRow, IngressRow, Rows } from '@sluice/contract'
import { RouteIndex } from '@sluice/filter'

const PREFERRED = '/default/default'
const JSON_TYPE = 'application/json'
const HELLO = { specversion: '1.0', id: '1', source: '/curl', type: 'dev.example.hello' } as const
const DATA = '{"hello":"world"}'

/** What to try first with the manifests in force, and what will come of it. */
export interface FirstEvent {
  /** The broker's, `/<namespace>/<name>`. */
  readonly path: string
  readonly isShown: boolean
  /** Those that match it. */
  readonly triggers: readonly { readonly name: string; readonly url: string }[]
}

/** The rest of a curl line, after the address. */
export const HELLO_ARGUMENTS = [
  ...Object.entries(HELLO).map(([name, value]) => `-H 'ce-${name}: ${value}'`),
  `-H 'content-type: ${JSON_TYPE}'`,
  `-d '${DATA}'`,
].join(' ')

/** Tried on `default/default` if there is one, else where it shows up, else where it matches. Undefined without a broker. */
export function firstEvent(rows: Rows, displayUrl: string): FirstEvent | undefined {
  const rank = ({ path, isShown, triggers }: FirstEvent) =>
    path === PREFERRED ? 0 : isShown ? 1 : triggers.length > 0 ? 2 : 3
  return rows.ingresses
    .map((ingress) => tryOn(ingress, rows, displayUrl))
    .toSorted((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1))[0]
}

function tryOn({ path, log }: IngressRow, { routes, deliveries }: Rows, displayUrl: string): FirstEvent {
  const index = new RouteIndex()
  for (const route of routes) if (route.log === log) index.put(route)
  const event = createEvent({ ...HELLO, datacontenttype: JSON_TYPE }, Buffer.from(DATA), 'json')
  const matched = index.match(event).flatMap(({ delivery }) => deliveries.find(({ uid }) => uid === delivery) ?? [])
  const triggers = matched.map(({ namespace, name, subscriber }: DeliveryRow) => ({
    name: `${namespace}/${name}`,
    url: subscriber.url,
  }))
  return { path, isShown: triggers.some(({ url }) => url.startsWith(displayUrl)), triggers }
}

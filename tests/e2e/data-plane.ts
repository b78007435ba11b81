import { setTimeout as wait } from 'node:timers/promises'
import type { ChannelDriver } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import {
  createContractStore,
  type DeliveryRow,
  type DeliverySpec,
  type IngressRow,
  type LogRow,
  type RouteRow,
  type Rows,
} from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { startFilter } from '@sluice/filter'
import { createAdmission, startIngress } from '@sluice/ingress'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { request } from 'undici'

const SPEC: DeliverySpec = { retry: 0, backoffPolicy: 'linear', backoffDelayMs: 1, timeoutMs: 5_000 }

/** Ingress, filter and dispatcher over one driver, and a contract that a test writes row by row. */
export interface DataPlane extends AsyncDisposable {
  readonly telemetry: ReturnType<typeof createTestTelemetry>
  readonly url: string
  /** Where a log is posted to. */
  addressOf(log: LogRow): string
  /** Makes them the contract; fulfils once every role has it, or could not take all of it. */
  program(rows: Partial<Rows>): Promise<void>
  post(url: string, headers?: Readonly<Record<string, string>>, body?: string): Promise<number>
}

export async function startDataPlane(
  driver: ChannelDriver,
  { withFilter = true, canFail = false } = {},
): Promise<DataPlane> {
  const telemetry = createTestTelemetry()
  const clock = systemClock
  const contract = await createContractStore({ clock, telemetry })
  const role = { driver, contract, clock, telemetry }
  const admission = { clock, maxEventBytes: 2 ** 20, maxTtl: 255 }
  await using starting = new AsyncDisposableStack()
  const ingress = starting.use(await startIngress({ ...role, host: '127.0.0.1', port: 0, replica: 'ingress' }))
  const url = ingress.url.replace(/\/$/, '')
  const dispatcher = startDispatcher({
    ...role,
    ...{ replica: 'dispatcher', admit: createAdmission(admission), ingressUrl: url },
  })
  if (withFilter) starting.use(startFilter({ ...role, replica: 'filter' }))
  starting.use(dispatcher)
  const stack = starting.move()
  return {
    telemetry,
    url,
    addressOf: (log) => url + ingressOf(log).path,
    async program(rows) {
      const none = { logs: [], routes: [], deliveries: [], sources: [] }
      const ingresses = (rows.logs ?? []).map(ingressOf)
      const revision = await contract.publish({ ...none, ingresses, ...rows })
      if (!canFail) await contract.whenAcknowledged(revision, new AbortController().signal)
    },
    async post(to, headers = {}, body = 'data') {
      const event = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', ...headers }
      const answer = await request(to, { method: 'POST', headers: event, body })
      await answer.body.dump()
      return answer.statusCode
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

export function logOfKind(kind: LogRow['kind'], name: string, more: Partial<LogRow> = {}): LogRow {
  const place = `${kind}/ns/${name}`
  return {
    ...{ uid: place, hash: '', kind, namespace: 'ns', name, channel: `log/${place}`, queues: `queues/${place}` },
    ...{ lanes: 2, orderKey: 'partitionkey', retention: { maxAgeMs: 60_000, maxBytes: 2 ** 26 } },
    ...more,
  }
}

export function ingressOf({ uid, kind, namespace, name }: LogRow): IngressRow {
  const row = { uid, hash: '', namespace, name, log: uid }
  if (kind === 'broker') return { ...row, path: `/${namespace}/${name}` }
  return { ...row, path: `/channels/${namespace}/inmemorychannel/${name}`, host: `${name}-kn-channel.${namespace}` }
}

/** A Trigger or Subscription without a filter, as its route and delivery. */
export function subscriptionOf(
  log: LogRow,
  name: string,
  subscriber: string,
  {
    since = 0,
    spec,
    ...more
  }: Partial<Omit<DeliveryRow, 'spec'>> & { since?: number; spec?: Partial<DeliverySpec> } = {},
): { readonly route: RouteRow; readonly delivery: DeliveryRow } {
  const uid = `${log.uid}/${name}`
  return {
    route: { uid, hash: '', namespace: 'ns', name, log: log.uid, filter: {}, delivery: uid, since },
    delivery: {
      ...{ uid, hash: '', namespace: 'ns', name, channel: log.queues, maxInFlight: 8, backlogMaxBytes: 2 ** 26 },
      ...{ subscriber: { url: subscriber, internal: false }, spec: { ...SPEC, ...spec }, strictReplies: false },
      ...more,
    },
  }
}

/** The rows of several. */
export function rowsOf(subscriptions: readonly ReturnType<typeof subscriptionOf>[]) {
  return {
    routes: subscriptions.map(({ route }) => route),
    deliveries: subscriptions.map(({ delivery }) => delivery),
  }
}

/** Asks until it holds, 5 s at most; then throws, saying what did not come. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 5_000; performance.now() < end; await wait(2)) if (await holds()) return
  throw new Error(`still not: ${what}`)
}

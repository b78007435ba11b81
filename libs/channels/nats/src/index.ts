// Stands in until the driver itself is merged from its branch, whose files replace this one.
import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'

export interface NatsOptions {
  readonly url: string
  readonly clock: Clock
  readonly telemetry: Pick<Telemetry, 'log' | 'counter'>
  readonly auth?:
    | { readonly kind: 'credentials'; readonly credentials: string }
    | { readonly kind: 'nkey'; readonly seed: string }
    | { readonly kind: 'password'; readonly user: string; readonly password: string }
    | { readonly kind: 'token'; readonly token: string }
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly replicas?: number
  readonly syncAlways?: boolean
  readonly prefix?: string
  readonly leaseMs?: number
  readonly connectionName?: string
}

export type NatsState = { readonly state: 'connected' } | { readonly state: 'waiting'; readonly reason: string }

export interface NatsDriver extends ChannelDriver {
  readonly connection: NatsState
}

/** As the driver is while no server answers. */
export async function openNatsDriver({ url }: NatsOptions): Promise<NatsDriver> {
  const reason = `no server answers at ${url}`
  const unavailable = () =>
    Promise.reject(new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'nats', reason }, `nats: ${reason}`))
  return {
    name: 'nats',
    capabilities: {
      ...{ durable: 'process', dedupWindowMs: 120_000, maxEventBytes: 1_032_192, shared: true, readFromTime: true },
    },
    connection: { state: 'waiting', reason },
    create: unavailable,
    remove: unavailable,
    publish: unavailable,
    subscribe: () => ({ wake() {}, async *[Symbol.asyncIterator]() {} }),
    async *read() {},
    backlog: unavailable,
    parked: unavailable,
    redrive: unavailable,
    purge: unavailable,
    isRetryable: () => true,
    async [Symbol.asyncDispose]() {},
  }
}

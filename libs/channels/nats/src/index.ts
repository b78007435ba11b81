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

export async function openNatsDriver(_options: NatsOptions): Promise<NatsDriver> {
  const reason = 'the driver is not part of this build'
  throw new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'nats', reason }, `nats: ${reason}`)
}

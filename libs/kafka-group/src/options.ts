import type { Logger } from '@sluice/telemetry'
import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import { readEveryCompression } from './codecs.ts'

export interface GroupOptions {
  /** Some of one cluster's, as host:port. */
  readonly brokers: readonly string[]
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly user: string
    readonly password: string
  }
  /** PEM texts. Present, even empty: TLS is required. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly log: Logger
  /** Shown in the brokers' logs and metrics. */
  readonly clientId: string
  /** A member that is silent for this long has left, ms. Default 10,000, as in Knative. */
  readonly sessionMs?: number
  /** How long what is under way may take to end when partitions go to others, ms. Default 2,000. */
  readonly drainMs?: number
}

export const SESSION_MS = 10_000
export const DRAIN_MS = 2_000
const CONNECT_MS = 3_000
const REQUEST_MS = 10_000
/** What fails longer than that is told, and tried again by who asked. */
export const RETRY = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false }

/** A client that speaks to nobody yet. */
export function clientOf({ brokers, clientId, sasl, tls, log }: GroupOptions): Kafka {
  readEveryCompression()
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    logLevel: logLevel.WARN,
    // Whoever asked is told of every failure; the client's own words about it are for looking closer
    logCreator:
      () =>
      ({ namespace, log: { message, timestamp: _, ...fields } }) =>
        log.debug({ ...fields, namespace, said: message }, 'the Kafka client says'),
    ...(tls !== undefined && { ssl: { ...tls } }),
    ...(sasl !== undefined && {
      sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password } as SASLOptions,
    }),
  }
  return new Kafka(config)
}

import { createSecureContext } from 'node:tls'
import type { Durability } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'

export const CLIENTS = ['platformatic', 'kafkajs'] as const
export const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

export interface KafkaOptions {
  /** Some of one cluster's, `host:port` separated by commas. */
  readonly brokers: string
  readonly clock: Clock
  readonly telemetry: Pick<Telemetry, 'log' | 'counter'>
  readonly sasl?: { readonly mechanism: (typeof MECHANISMS)[number]; readonly user: string; readonly password: string }
  /** What speaks to the brokers: @platformatic/kafka or kafkajs. Default platformatic. */
  readonly client?: (typeof CLIENTS)[number]
  /** PEM texts. Present, even empty: TLS is required. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Copies of each topic in the cluster. Default 1. */
  readonly replicas?: number
  /** Copies that are written before an event is accepted; with fewer it is refused. Default 2 of 3 or more, else 1. */
  readonly minInsync?: number
  /** Of what is published. Default none. */
  readonly compression?: 'none' | 'gzip'
  /** A request that is not answered for this long has failed, ms. Default 6,000. */
  readonly requestMs?: number
  /** First part of the name of every topic and group of ours: tells installations on one cluster apart. Default `sluice`. */
  readonly prefix?: string
  /** A consumer that is silent for this long loses its lanes, ms, at least 300. Default 10,000. */
  readonly leaseMs?: number
  /** What the operator states: every broker writes each batch to disk before it answers. No client can ask. Default false. */
  readonly flushAlways?: boolean
  /** Events of a log are handed out with `knativekafkapartition` and `knativekafkaoffset`, as Knative's do. Default false. */
  readonly places?: boolean
  /** Where a broker's address as the cluster tells it is reached from here, as through a tunnel. */
  readonly reach?: (broker: Broker) => Broker
  /** Shown in the brokers' logs and metrics. Default `sluice`. */
  readonly clientId?: string
}

export interface Broker {
  readonly host: string
  readonly port: number
}

export const DRIVER_NAME = 'kafka'
export const DEFAULT_CLIENT: (typeof CLIENTS)[number] = 'platformatic'
/** Of a topic, as it is created. Kafka's own default is 1 MiB for a batch with all that is about it. */
export const MAX_BATCH_BYTES = 1024 * 1024 + 64 * 1024
/** Of an event, attributes and data. */
export const MAX_EVENT_BYTES = 1024 * 1024
export const MAX_NOTE_BYTES = 4096

export const DEFAULT_REQUEST_MS = 6_000
export const DEFAULT_LEASE_MS = 10_000
export const DEFAULT_PREFIX = 'sluice'
/** What is published again within this time, or within the last 10,000 of its lane, is known. */
export const DEDUP_WINDOW_MS = 120_000
/** What a note, a reason and the place of an entry may add to it when it is moved aside or parked. */
export const ADDED_BYTES = 16 * 1024
const MIN_LEASE_MS = 300
const PREFIX = /^[A-Za-z0-9_-]{1,64}$/
const MIN_REQUEST_MS = 100
const MOST_REPLICAS = 32_767
const PORT = 65_535
/** Copies of which one may be away while two are written. */
const MANY = 3

/** Throws CONFIG_INVALID with every problem there is, and no word of what is secret. */
export function checkOptions(options: KafkaOptions): readonly Broker[] {
  const { sasl, tls = {}, replicas = 1, compression = 'none', requestMs = DEFAULT_REQUEST_MS } = options
  const { client = DEFAULT_CLIENT, prefix = DEFAULT_PREFIX, leaseMs = DEFAULT_LEASE_MS, minInsync = 1 } = options
  const problems: string[] = []
  const brokers = options.brokers.split(',').map((text) => brokerOf(text.trim(), problems))
  if (sasl !== undefined) {
    if (!MECHANISMS.includes(sasl.mechanism)) {
      problems.push(`SASL mechanism ${sasl.mechanism} is none of ${MECHANISMS.join(', ')}`)
    }
    if (sasl.user === '') problems.push('SASL needs a user')
    if (sasl.password === '') problems.push('SASL needs a password')
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    problems.push('a TLS client certificate needs its key, and a key its certificate: give both or none')
  } else if (tls.cert !== undefined && !isReadable({ cert: tls.cert, key: tls.key })) {
    problems.push('the TLS client certificate and its key are not PEM, or not of each other')
  }
  // Node takes any text for an authority, and knows nobody by it
  if (tls.ca !== undefined && !(tls.ca.includes('-----BEGIN') && isReadable({ ca: tls.ca }))) {
    problems.push('the TLS authority is no certificate in PEM')
  }
  if (!(Number.isInteger(replicas) && replicas >= 1 && replicas <= MOST_REPLICAS)) {
    problems.push(`${replicas} replicas: a topic has at least 1, and no more than there are brokers`)
  }
  if (!(Number.isInteger(minInsync) && minInsync >= 1 && minInsync <= Math.max(1, replicas))) {
    problems.push(
      `${minInsync} copies before an event is accepted: at least 1, and no more than the ${replicas} replicas`,
    )
  }
  if (!CLIENTS.includes(client)) problems.push(`client ${client} is none of ${CLIENTS.join(', ')}`)
  if (compression !== 'none' && compression !== 'gzip') {
    problems.push(`compression ${compression} is not supported: use none or gzip`)
  }
  if (!(requestMs >= MIN_REQUEST_MS)) problems.push(`requestMs ${requestMs} is too short: at least ${MIN_REQUEST_MS}`)
  if (!PREFIX.test(prefix)) problems.push(`prefix "${prefix}": use 1 to 64 letters, digits, - and _`)
  if (!(leaseMs >= MIN_LEASE_MS)) problems.push(`a lease of ${leaseMs} ms is too short: at least ${MIN_LEASE_MS}`)
  if (problems.length > 0) throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join('; '))
  return brokers
}

function brokerOf(text: string, problems: string[]): Broker {
  const url = /^[^/@?#\s]+:\d+$/.test(text) ? URL.parse(`kafka://${text}`) : null
  const port = Number(url?.port || 0)
  if (url === null || url.hostname === '' || port < 1 || port > PORT) {
    // What holds credentials is not shown
    const shown = text.includes('@') ? 'one with an @' : `"${text}"`
    problems.push(`a Kafka broker looks like host:9092, not ${shown}; credentials and TLS are configured apart`)
    return { host: '', port: 0 }
  }
  return { host: url.hostname, port }
}

function isReadable(context: { ca?: string; cert?: string; key?: string | undefined }): boolean {
  try {
    createSecureContext(context as Parameters<typeof createSecureContext>[0])
    return true
  } catch {
    return false
  }
}

type Copies = Pick<KafkaOptions, 'replicas' | 'minInsync'>

/** Of a topic with so many copies, which may be fewer than most topics have. */
export function minInsyncOf({ replicas = 1, minInsync = replicas >= MANY ? 2 : 1 }: Copies): number {
  return Math.min(minInsync, replicas)
}

/** Copies count where more than one is written before an event is accepted. */
export function durabilityOf({ replicas = 1, minInsync, flushAlways = false }: KafkaOptions): Durability {
  if (minInsyncOf({ replicas, ...(minInsync !== undefined && { minInsync }) }) > 1) return { replicas }
  return flushAlways ? 'disk' : 'process'
}

import { createSecureContext } from 'node:tls'
import type { KafkaOptions } from '@sluice/channel-kafka'
import {
  boolean,
  type ConfigOf,
  durationMs,
  type Field,
  fileText,
  integer,
  oneOf,
  type Rules,
  text,
} from '@sluice/config'
import type { DriverDeps, OpenedDriver } from './driver.ts'

const optional = { fallback: undefined } as const
const secret = { fallback: undefined, isSecret: true } as const
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const CLIENTS = ['platformatic', 'kafkajs'] as const
const CODECS = ['none', 'gzip'] as const
const OTHER_CODECS: readonly string[] = ['snappy', 'lz4', 'zstd']

export const kafkaConfig = {
  kafkaBrokers: brokerList('KAFKA_BROKERS'),
  kafkaTls: boolean('KAFKA_TLS', { fallback: false, meaning: 'TLS, by the authorities that the system knows' }),
  kafkaCa: fileText('KAFKA_CA', {
    ...optional,
    meaning:
      'PEM file of who signed the certificates of the brokers, where the system does not know them; asks for TLS',
  }),
  kafkaCert: fileText('KAFKA_CERT', { ...optional, meaning: 'PEM file: certificate of this client; asks for TLS' }),
  kafkaKey: fileText('KAFKA_KEY', { ...optional, meaning: 'PEM file: its key' }),
  kafkaSaslMechanism: oneOf('KAFKA_SASL_MECHANISM', MECHANISMS, {
    ...optional,
    meaning: 'how it logs in: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; with a user and a password',
  }),
  kafkaUser: text('KAFKA_USER', { ...optional, meaning: 'user; with a mechanism and a password' }),
  kafkaPassword: text('KAFKA_PASSWORD', { ...secret, meaning: 'its password' }),
  kafkaPasswordFile: fileText('KAFKA_PASSWORD_FILE', { ...optional, meaning: 'file that holds it' }),
  kafkaPartitions: integer('KAFKA_PARTITIONS', {
    ...{ min: 1, max: 64, fallback: 8 },
    meaning: 'partitions, which are lanes, of a log that says nothing of them; for who makes logs',
  }),
  kafkaReplicas: integer('KAFKA_REPLICAS', {
    ...{ min: 1, max: 32_767, fallback: 1 },
    meaning: 'copies of each topic in the cluster where its log says nothing of them, the same at every service',
  }),
  kafkaMinInsync: integer('KAFKA_MIN_INSYNC', {
    ...{ min: 1, max: 32_767, fallback: undefined },
    meaning:
      'copies that are written before an event is accepted, in topics as they are made; 2 of 3 or more unless set, else 1',
  }),
  kafkaFlushAlways: boolean('KAFKA_FLUSH_ALWAYS', {
    fallback: false,
    meaning: 'every broker is known to write each batch to disk before it answers, so that events survive power loss',
  }),
  kafkaCompression: compression('KAFKA_COMPRESSION'),
  kafkaAddPlace: boolean('KAFKA_ADD_PLACE', {
    fallback: false,
    meaning: 'events go out with knativekafkapartition and knativekafkaoffset, as those of Knative do',
  }),
  kafkaClient: oneOf('KAFKA_CLIENT', CLIENTS, {
    fallback: 'platformatic',
    meaning: 'what speaks to the brokers: platformatic (@platformatic/kafka) or kafkajs',
  }),
  kafkaPrefix: topicToken('KAFKA_PREFIX'),
  kafkaRequestMs: durationMs('KAFKA_REQUEST_MS', {
    ...{ min: 100, max: 120_000, fallback: 6_000 },
    meaning: 'a request that is not answered for this long has failed',
  }),
  kafkaLeaseMs: durationMs('KAFKA_LEASE_MS', {
    ...{ min: 1_000, max: 300_000, fallback: 10_000 },
    meaning: 'how long lanes stay with a replica that is not heard of, the same at every service',
  }),
}

type Config = ConfigOf<typeof kafkaConfig>

export const kafkaRules: Rules<typeof kafkaConfig> = (config, isSet) => [
  ...(isSet('KAFKA_BROKERS') ? [] : ['KAFKA_BROKERS: is required by the driver kafka, such as 127.0.0.1:9092']),
  ...NEEDS.filter(([name, with_]) => isSet(name) && !with_.some(isSet)).map(
    ([name, with_]) => `${name}: needs ${with_.join(' or ')} beside it`,
  ),
  ...(isSet('KAFKA_PASSWORD') && isSet('KAFKA_PASSWORD_FILE')
    ? ['KAFKA_PASSWORD_FILE: is set beside KAFKA_PASSWORD: unset one of them']
    : []),
  ...((config.kafkaMinInsync ?? 1) > (config.kafkaReplicas ?? 1)
    ? [
        'KAFKA_MIN_INSYNC: is more than KAFKA_REPLICAS, so that nothing would ever be accepted: raise one or lower the other',
      ]
    : []),
  ...certificateProblems(config),
]

const NEEDS: readonly (readonly [string, readonly string[]])[] = [
  ['KAFKA_SASL_MECHANISM', ['KAFKA_USER']],
  ['KAFKA_USER', ['KAFKA_PASSWORD', 'KAFKA_PASSWORD_FILE']],
  ['KAFKA_USER', ['KAFKA_SASL_MECHANISM']],
  ['KAFKA_PASSWORD', ['KAFKA_USER']],
  ['KAFKA_PASSWORD_FILE', ['KAFKA_USER']],
  ['KAFKA_CERT', ['KAFKA_KEY']],
  ['KAFKA_KEY', ['KAFKA_CERT']],
]

/** Node takes any text for an authority, and knows nobody by it. */
function certificateProblems({ kafkaCa: ca, kafkaCert: cert, kafkaKey: key }: Partial<Config>): string[] {
  const isAuthority = ca === undefined || (ca.includes('-----BEGIN CERTIFICATE') && isReadable({ ca }))
  const isPair = cert === undefined || key === undefined || isReadable({ cert, key })
  return [
    ...(isAuthority ? [] : ['KAFKA_CA: is a file without a certificate in PEM']),
    ...(isPair ? [] : ['KAFKA_CERT: it and KAFKA_KEY are not PEM, or not of each other']),
  ]
}

function isReadable(context: Parameters<typeof createSecureContext>[0]): boolean {
  try {
    createSecureContext(context)
    return true
  } catch {
    return false
  }
}

/** Resolves at once, also while no broker answers: then `ready` says so. */
export async function openKafka(config: Config, deps: DriverDeps): Promise<OpenedDriver> {
  const { openKafkaChannel } = await import('@sluice/channel-kafka')
  const driver = await openKafkaChannel(kafkaOptions(config, deps))
  return {
    driver,
    ready() {
      const { connection } = driver
      return connection.state === 'waiting' ? connection.reason : undefined
    },
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

export function kafkaOptions(config: Config, { clock, telemetry, name }: DriverDeps) {
  const sasl = saslOf(config)
  const tls = tlsOf(config)
  return {
    ...{ brokers: config.kafkaBrokers ?? '', clock, telemetry, clientId: `sluice-${name}` },
    ...{ replicas: config.kafkaReplicas, flushAlways: config.kafkaFlushAlways, compression: config.kafkaCompression },
    client: config.kafkaClient,
    ...{
      prefix: config.kafkaPrefix,
      places: config.kafkaAddPlace,
      requestMs: config.kafkaRequestMs,
      leaseMs: config.kafkaLeaseMs,
    },
    ...(config.kafkaMinInsync !== undefined && { minInsync: config.kafkaMinInsync }),
    ...(sasl && { sasl }),
    ...(tls && { tls }),
  } satisfies KafkaOptions
}

function saslOf({ kafkaSaslMechanism, kafkaUser: user, ...config }: Config): KafkaOptions['sasl'] {
  const password = config.kafkaPassword ?? config.kafkaPasswordFile
  if (kafkaSaslMechanism === undefined || user === undefined || password === undefined) return undefined
  const mechanism = kafkaSaslMechanism.toLowerCase() as Lowercase<typeof kafkaSaslMechanism>
  return { mechanism, user, password }
}

function tlsOf({ kafkaTls, kafkaCa: ca, kafkaCert: cert, kafkaKey: key }: Config): KafkaOptions['tls'] {
  if (!kafkaTls && ca === undefined && cert === undefined) return undefined
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
}

/** Never shown in a message: people put passwords into it. */
function brokerList(name: string): Field<string | undefined> {
  const brokers = text(name, {
    ...secret,
    meaning: 'some brokers of one cluster, host:port separated by commas',
  })
  return {
    ...brokers,
    parse(value) {
      if (value.includes('@'))
        return { problem: 'holds an @: credentials go into KAFKA_USER and KAFKA_PASSWORD or a file' }
      const isList = value.split(',').every((each) => isHostAndPort(each.trim()))
      return isList
        ? brokers.parse(value)
        : { problem: 'is not a list of host:port such as kafka:9092; TLS is asked for by KAFKA_TLS or KAFKA_CA' }
    },
  }
}

function isHostAndPort(broker: string): boolean {
  const url = /^[^/?#\s]+:\d+$/.test(broker) ? URL.parse(`kafka://${broker}`) : null
  return url !== null && url.hostname !== '' && Number(url.port) >= 1
}

function compression(name: string): Field<(typeof CODECS)[number]> {
  const known = oneOf(name, CODECS, { fallback: 'none', meaning: 'of what is published: none or gzip' })
  return {
    ...known,
    parse: (value) =>
      OTHER_CODECS.includes(value) ? { problem: `is not supported: use ${CODECS.join(' or ')}` } : known.parse(value),
  }
}

function topicToken(name: string): Field<string> {
  const token = text(name, {
    fallback: 'sluice',
    meaning: 'first part of the name of every topic and group: tells installations on one cluster apart',
  })
  return {
    ...token,
    parse: (value) =>
      /^[A-Za-z0-9_-]{1,64}$/.test(value) ? { value } : { problem: 'is not 1 to 64 letters, digits, - and _' },
  }
}

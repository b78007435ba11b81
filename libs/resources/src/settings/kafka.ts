import { shown } from '../problem.ts'
import type { Reading } from './annotations.ts'

type Data = Readonly<Record<string, string>>

/** What a ConfigMap says of the Kafka topics of Brokers or channels, and of how the cluster is reached. */
export interface KafkaSettings {
  readonly partitions?: number
  readonly replicas?: number
  readonly retention?: { readonly maxAgeMs?: number; readonly maxBytesOfPartition?: number }
  /** `host:port` each. */
  readonly servers: readonly string[]
  /** Name of a Secret. */
  readonly secret?: string
  /** Keys that are not read here. */
  readonly others: readonly string[]
}

const PARTITIONS = 'default.topic.partitions'
const REPLICATION = 'default.topic.replication.factor'
const RETENTION_MS = 'default.topic.config.retention.ms'
const RETENTION_BYTES = 'default.topic.config.retention.bytes'
const SERVERS = 'bootstrap.servers'
export const KAFKA_SECRET = 'auth.secret.ref.name'
const MAX_LANES = 64
const MOST_REPLICAS = 32_767
/** What Kafka means by -1. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER

/** Source: knative-extensions/eventing-kafka-broker control-plane/pkg/kafka/topic.go, and README of the broker's ConfigMap. */
export function readKafkaSettings(data: Data): Reading<KafkaSettings> {
  const problems: string[] = []
  const wholeNumber = (key: string, min: number, max: number): number | undefined => {
    const text = data[key]?.trim()
    if (text === undefined) return undefined
    if (/^-?\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    problems.push(`${key} must be a whole number from ${min} to ${max}, found ${shown(text)}`)
    return undefined
  }
  const known = [PARTITIONS, REPLICATION, RETENTION_MS, RETENTION_BYTES, SERVERS, KAFKA_SECRET]
  const partitions = wholeNumber(PARTITIONS, 1, MAX_LANES)
  const replicas = wholeNumber(REPLICATION, 1, MOST_REPLICAS)
  const maxAgeMs = wholeNumber(RETENTION_MS, -1, NO_LIMIT)
  const bytes = wholeNumber(RETENTION_BYTES, -1, NO_LIMIT)
  const servers = (data[SERVERS] ?? '').split(',').map((each) => each.trim().toLowerCase())
  const given = servers.filter((each) => each !== '')
  if (given.some((each) => !/^[^\s/@]+:\d{1,5}$/.test(each))) problems.push(`${SERVERS} must be a list of host:port`)
  if (problems.length > 0) return { problem: problems.join('; ') }
  const retention = {
    ...(maxAgeMs !== undefined && { maxAgeMs: maxAgeMs < 0 ? NO_LIMIT : maxAgeMs }),
    ...(bytes !== undefined && { maxBytesOfPartition: bytes < 0 ? NO_LIMIT : bytes }),
  }
  const secret = data[KAFKA_SECRET]?.trim()
  return {
    value: {
      servers: given,
      others: Object.keys(data).filter((key) => !known.includes(key) && !key.startsWith('_')),
      ...(partitions !== undefined && { partitions }),
      ...(replicas !== undefined && { replicas }),
      ...(Object.keys(retention).length > 0 && { retention }),
      ...(secret !== undefined && secret !== '' && { secret }),
    },
  }
}

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const PROTOCOLS = ['PLAINTEXT', 'SASL_PLAINTEXT', 'SSL', 'SASL_SSL'] as const

/** How a cluster is reached, as a Secret of Knative's format says it; values are never to be shown. */
export interface KafkaSecret {
  readonly isTls: boolean
  readonly login?: { readonly mechanism: string; readonly user: string; readonly password: string }
  /** PEM texts. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** Keys of such a Secret that are read. */
export const KAFKA_SECRET_KEYS = [
  ...['protocol', 'sasl.mechanism', 'user', 'password'],
  ...['ca.crt', 'user.crt', 'user.key', 'user.skip'],
] as const

/** `problem` names keys, and no value but those of `protocol` and `sasl.mechanism`. Source: eventing-kafka-broker control-plane/pkg/security/secret.go. */
export function readKafkaSecret(data: Data): Reading<KafkaSecret> {
  const { protocol, 'sasl.mechanism': mechanism = 'PLAIN', user = '', password = '' } = data
  const { 'ca.crt': ca, 'user.crt': cert, 'user.key': key, 'user.skip': skip } = data
  if (!PROTOCOLS.some((each) => each === protocol)) {
    const found = protocol === undefined ? 'is missing' : `found ${shown(protocol)}`
    return { problem: `protocol must be one of ${PROTOCOLS.join(', ')}, ${found}` }
  }
  const isLogin = protocol?.startsWith('SASL') === true
  const isTls = protocol?.endsWith('SSL') === true
  const problems = [
    ...(isLogin && !MECHANISMS.some((each) => each === mechanism)
      ? [`sasl.mechanism ${shown(mechanism)} is not supported: use ${MECHANISMS.join(', ')}`]
      : []),
    ...(isLogin && user === '' ? ['user is missing'] : []),
    ...(isLogin && password === '' ? ['password is missing'] : []),
    ...(protocol === 'SSL' && skip !== 'true' && (cert === undefined || key === undefined)
      ? ['user.crt and user.key are missing: give both, or user.skip "true"']
      : []),
    ...((cert === undefined) === (key === undefined) || skip === 'true' || protocol === 'SSL'
      ? []
      : ['user.crt and user.key: give both or none']),
  ]
  if (problems.length > 0) return { problem: problems.join('; ') }
  const isOwn = isTls && skip !== 'true'
  return {
    value: {
      isTls,
      ...(isLogin && { login: { mechanism, user, password } }),
      ...(isTls && ca !== undefined && { ca }),
      ...(isOwn && cert !== undefined && { cert }),
      ...(isOwn && key !== undefined && { key }),
    },
  }
}

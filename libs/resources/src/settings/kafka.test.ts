import { describe, expect, test } from '@jest/globals'
import { readKafkaSecret, readKafkaSettings } from './kafka.ts'

describe('the ConfigMap of Kafka Brokers', () => {
  test('as Knative ships it', () => {
    const data = {
      'default.topic.partitions': '10',
      'default.topic.replication.factor': '3',
      'bootstrap.servers': 'my-cluster-kafka-bootstrap.kafka:9092, Other:9093',
      'auth.secret.ref.name': 'my-secret',
      'default.topic.config.retention.ms': '3600000',
      'default.topic.config.retention.bytes': '1000',
      'default.topic.config.segment.ms': '1',
      _example: 'not read',
    }
    expect(readKafkaSettings(data)).toEqual({
      value: {
        ...{
          partitions: 10,
          replicas: 3,
          retention: { maxAgeMs: 3_600_000, maxBytesOfPartition: 1_000 },
          secret: 'my-secret',
        },
        servers: ['my-cluster-kafka-bootstrap.kafka:9092', 'other:9093'],
        others: ['default.topic.config.segment.ms'],
      },
    })
  })

  test('-1 is for ever, and nothing said is nothing', () => {
    const data = { 'default.topic.config.retention.ms': '-1', 'default.topic.config.retention.bytes': '-1' }
    const retention = { maxAgeMs: Number.MAX_SAFE_INTEGER, maxBytesOfPartition: Number.MAX_SAFE_INTEGER }
    expect(readKafkaSettings(data)).toEqual({ value: { retention, servers: [], others: [] } })
    expect(readKafkaSettings({})).toEqual({ value: { servers: [], others: [] } })
  })

  test('every problem is told', () => {
    const data = {
      ...{ 'default.topic.partitions': '65', 'default.topic.replication.factor': '0' },
      ...{ 'default.topic.config.retention.ms': '1h', 'bootstrap.servers': 'kafka' },
    }
    expect((readKafkaSettings(data) as { problem: string }).problem.split('; ')).toEqual([
      'default.topic.partitions must be a whole number from 1 to 64, found "65"',
      'default.topic.replication.factor must be a whole number from 1 to 32767, found "0"',
      `default.topic.config.retention.ms must be a whole number from -1 to ${Number.MAX_SAFE_INTEGER}, found "1h"`,
      'bootstrap.servers must be a list of host:port',
    ])
  })
})

describe('the Secret of Kafka', () => {
  const login = { user: 'u', password: 'never shown' }

  test.each([
    ['PLAINTEXT', {}, { isTls: false }],
    ['SASL_PLAINTEXT', login, { isTls: false, login: { mechanism: 'PLAIN', ...login } }],
    [
      'SASL_SSL',
      { ...login, 'sasl.mechanism': 'SCRAM-SHA-512', 'ca.crt': 'ca' },
      { isTls: true, ca: 'ca', login: { mechanism: 'SCRAM-SHA-512', ...login } },
    ],
    ['SSL', { 'user.crt': 'crt', 'user.key': 'key' }, { isTls: true, cert: 'crt', key: 'key' }],
    ['SSL', { 'user.skip': 'true', 'ca.crt': 'ca' }, { isTls: true, ca: 'ca' }],
  ])('of %s', (protocol, data, value) => {
    expect(readKafkaSecret({ protocol, ...data } as Record<string, string>)).toEqual({ value })
  })

  test.each([
    [{}, 'protocol must be one of PLAINTEXT, SASL_PLAINTEXT, SSL, SASL_SSL, is missing'],
    [{ protocol: 'SASL_PLAINTEXT', password: 'never shown' }, 'user is missing'],
    [
      { protocol: 'SASL_SSL', ...login, 'sasl.mechanism': 'OAUTHBEARER' },
      'sasl.mechanism "OAUTHBEARER" is not supported: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512',
    ],
    [{ protocol: 'SSL', 'user.crt': 'crt' }, 'user.crt and user.key are missing: give both, or user.skip "true"'],
    [{ protocol: 'SASL_SSL', ...login, 'user.key': 'never shown' }, 'user.crt and user.key: give both or none'],
  ])('%j is refused by the names of its keys', (data, problem) => {
    expect(readKafkaSecret(data as Record<string, string>)).toEqual({ problem })
  })
})

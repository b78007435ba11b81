import { describe, expect, test } from '@jest/globals'
import type { KafkaSourceRow } from '@sluice/contract'
import { CERTIFICATE, KEY } from '@sluice/testkit'
import { kafkaRow } from '../test/kafka-row.ts'
import { settingsOf } from './settings-of.ts'

type Name = keyof NonNullable<KafkaSourceRow['secrets']>

const read = (row: Partial<KafkaSourceRow>, values: Partial<Record<Name, string>> = {}) => {
  const names = Object.keys(values) as Name[]
  const secrets = Object.fromEntries(names.map((key) => [key, { namespace: 'shop', name: 'kafka', key }]))
  return settingsOf({ row: kafkaRow({ ...row, secrets }), secret: async (name) => values[name as Name] ?? '' })
}
const SASL = { saslUser: 'reader\n', saslPassword: 's3cret' }

describe('a cluster is reached', () => {
  test('in the clear, by several addresses in one', async () => {
    expect(await read({ bootstrapServers: ['a:9092, b:9093', '[::1]:9094'] })).toEqual({
      ...{ brokers: ['a:9092', 'b:9093', '[::1]:9094'], groupId: 'g', topics: ['orders'] },
    })
  })

  test.each([
    [undefined, 'plain'],
    ['PLAIN', 'plain'],
    ['scram-sha-256', 'scram-sha-256'],
    ['SCRAM-SHA-512\n', 'scram-sha-512'],
  ])('as a user, by the mechanism %j', async (saslType, mechanism) => {
    const { sasl } = await read({ sasl: true }, { ...SASL, ...(saslType !== undefined && { saslType }) })
    expect(sasl).toEqual({ mechanism, user: 'reader', password: 's3cret' })
  })

  test('with TLS, with authorities or a certificate of its own', async () => {
    expect((await read({ tls: true })).tls).toEqual({})
    expect((await read({ tls: true }, { tlsCaCert: CERTIFICATE })).tls).toEqual({ ca: CERTIFICATE.trim() })
    expect((await read({ tls: true }, { tlsCert: CERTIFICATE, tlsKey: KEY })).tls).toEqual({
      ...{ cert: CERTIFICATE.trim(), key: KEY.trim() },
    })
  })

  test.each<[string, Partial<KafkaSourceRow>, Partial<Record<Name, string>>, string]>([
    ['an address without a port', { bootstrapServers: ['kafka'] }, {}, 'spec.bootstrapServers'],
    ['an address with credentials', { bootstrapServers: ['u:s3cret@kafka:9092'] }, {}, 'spec.bootstrapServers'],
    ['another mechanism', { sasl: true }, { ...SASL, saslType: 's3cret' }, 'spec.net.sasl.type'],
    ['no password', { sasl: true }, { saslUser: 'reader', saslPassword: '' }, 'spec.net.sasl'],
    ['an authority that is none', { tls: true }, { tlsCaCert: 's3cret' }, 'spec.net.tls.caCert'],
    ['a certificate without its key', { tls: true }, { tlsCert: CERTIFICATE }, 'spec.net.tls'],
    ['a key that is none', { tls: true }, { tlsCert: CERTIFICATE, tlsKey: 's3cret' }, 'spec.net.tls'],
  ])('not with %s, which is named and not shown', async (_, row, values, field) => {
    const error = await read(row, values).catch((failed) => failed)
    expect(error).toMatchObject({ detail: { code: 'REQUEST_INVALID', problems: [expect.stringContaining(field)] } })
    expect(error.message).not.toContain('s3cret')
  })
})

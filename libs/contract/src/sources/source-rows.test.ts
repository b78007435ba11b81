import { describe, expect, test } from '@jest/globals'
import { anySourceRow } from './any-source-row.ts'
import type { ApiServerSourceRow } from './api-server-source-row.ts'
import type { GitHubSourceRow } from './github-source-row.ts'
import type { KafkaSourceRow } from './kafka-source-row.ts'
import type { PingSourceRow } from './ping-source-row.ts'

const named = (name: string) => ({
  ...{ uid: name, hash: '', namespace: 'shop', name },
  target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
})
const secret = (key: string) => ({ namespace: 'shop', name: 'github', key })

const PING: PingSourceRow = {
  ...named('ping'),
  ...{ kind: 'PingSource', schedule: '*/5 * * * *', timezone: 'UTC', missedTicks: 'skip' },
  data: { text: '{}' },
  ceOverrides: { extensions: 'too' },
}
const GITHUB: GitHubSourceRow = {
  ...named('github'),
  ...{ kind: 'GitHubSource', ownerAndRepository: 'knative/eventing', eventTypes: ['push'] },
  ...{ apiUrl: 'https://api.github.com', path: '/sources/shop/githubsource/github', webhook: 'managed' },
  ...{ mapping: 'knative', allowSha1: false },
  secrets: { accessToken: secret('access'), secretToken: secret('secret') },
}
const API_SERVER: ApiServerSourceRow = {
  ...named('objects'),
  kind: 'ApiServerSource',
  resources: [{ apiVersion: 'v1', kind: 'Event', selector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }],
  ...{ mode: 'Reference', serviceAccountName: 'default', namespaces: ['shop'], initialListing: 'none' },
  filters: [{ exact: { type: 'dev.knative.apiserver.ref.add' } }],
}
const KAFKA: KafkaSourceRow = {
  ...named('kafka'),
  ...{ kind: 'KafkaSource', bootstrapServers: ['kafka:9092'], topics: ['orders'], consumerGroup: 'g', consumers: 1 },
  ...{ initialOffset: 'latest', ordering: 'ordered', keyType: 'string', tls: false, sasl: true },
  secrets: { saslUser: secret('user') },
}

describe('the row of a source is read', () => {
  test.each([PING, GITHUB, API_SERVER, KAFKA])('unchanged: $kind', (row) => {
    expect(anySourceRow.parse(row)).toEqual(row)
  })

  test.each([
    ['a kind that nobody serves', { ...PING, kind: 'SlackSource' }],
    ['a field of another kind', { ...PING, topics: ['orders'] }],
    ['a secret that its kind has no use for', { ...KAFKA, secrets: { token: secret('token') } }],
    ['the value of a secret', { ...GITHUB, secrets: { secretToken: { ...secret('secret'), value: 's3cret' } } }],
    ['data that is both text and base64', { ...PING, data: { text: 'a', base64: 'YQ==' } }],
    ['no way to know a request from GitHub', { ...GITHUB, secrets: { accessToken: secret('access') } }],
  ])('not with %s', (_, row) => {
    expect(anySourceRow.safeParse(row).success).toBe(false)
  })
})

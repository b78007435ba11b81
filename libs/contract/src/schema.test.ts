import { describe, expect, test } from '@jest/globals'
import { readContract } from './schema.ts'

const named = (uid: string) => ({ uid, hash: '', namespace: 'shop', name: uid })
const store = { lanes: 8, orderKey: 'partitionkey', retention: { maxAgeMs: 1, maxBytes: 1 } }
const LOG = { ...named('orders'), kind: 'channel', channel: 'log/orders', queues: 'queues/orders', ...store }
const INGRESS = {
  ...named('orders'),
  path: '/channels/shop/inmemorychannel/orders',
  host: 'orders-kn-channel.shop',
  log: 'orders',
}
const DELIVERY = {
  ...named('mail'),
  channel: 'queues/orders',
  subscriber: { url: 'https://mail.example', internal: false, caCerts: '-----BEGIN CERTIFICATE-----' },
  spec: { retry: 0, backoffPolicy: 'linear', backoffDelayMs: 0, timeoutMs: 1 },
  ...{ maxInFlight: 1, backlogMaxBytes: 1, strictReplies: false },
}
const read = (changes: object = {}) =>
  readContract({ logs: [LOG], ingresses: [INGRESS], routes: [], deliveries: [DELIVERY], ...changes })

describe('a contract is read', () => {
  test('with a channel, its host, what a subscriber is trusted by, and an address for replies', () => {
    const reply = { url: 'http://audit.example', internal: false }
    expect(read({ deliveries: [{ ...DELIVERY, reply }] })).toMatchObject({
      contract: { logs: [LOG], ingresses: [INGRESS], deliveries: [{ ...DELIVERY, reply }] },
    })
  })

  test('a log that does not say what it is is a broker: copies of before there were channels stay good', () => {
    const { kind: _, ...unsaid } = LOG
    expect(read({ logs: [unsaid] })).toMatchObject({ contract: { logs: [{ kind: 'broker' }] } })
  })

  test.each([
    [
      'a reply to two places',
      { deliveries: [{ ...DELIVERY, replyLog: 'orders', reply: { url: 'http://a.b', internal: false } }] },
      'deliveries[0].reply: there is a replyLog already; a reply goes to one place',
    ],
    [
      'a host in upper case, which no request could match',
      { ingresses: [{ ...INGRESS, host: 'Orders-kn-channel.shop' }] },
      'ingresses[0].host: must be in lower case',
    ],
    ['a log of another kind', { logs: [{ ...LOG, kind: 'topic' }] }, expect.stringContaining('logs[0].kind: ')],
  ])('not with %s', (_, changes, problem) => {
    expect(read(changes)).toEqual({ problems: [problem] })
  })
})

// Where a channel is addressed, and what its log holds: the path form, and the Host form of Knative.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { exchange, INGRESS, LOG, type Rig, rawPost, startRig } from './fakes.ts'

const CHANNEL = {
  ...LOG,
  ...{ uid: 'log-2', kind: 'channel' as const, namespace: 'shop', name: 'parcels' },
  ...{ channel: 'shop.parcels.log', queues: 'shop.parcels.queues' },
}
const PATH = '/channels/shop/inmemorychannel/parcels'
const HOST = 'parcels-kn-channel.shop'
const ADDRESS = { ...INGRESS, uid: 'ingress-2', name: 'parcels', path: PATH, host: HOST, log: CHANNEL.uid }

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
  await rig.contract.put({ logs: [CHANNEL], ingresses: [ADDRESS] })
})
afterAll(async () => rig[Symbol.asyncDispose]())

/** Status and code of a POST, and the channels that stored something since. */
async function post(path: string, host: string, headers: Record<string, string> = {}, method = 'POST') {
  const before = rig.driver.stored.length
  const request = rawPost('x', { Host: host, Connection: 'close', ...headers }).replace(
    'POST /shop/orders',
    `${method} ${path}`,
  )
  const answer = await exchange(rig.ingress.port, [request])
  const code = /"code":"(\w+)"/.exec(answer)?.[1]
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
  return { status, code, answer, stored: rig.driver.stored.slice(before).map(({ channel }) => channel) }
}

describe('a channel is addressed', () => {
  test.each<[string, string, string]>([
    ['by its path', PATH, 'anything'],
    ['by its path with one slash more', `${PATH}/`, 'anything'],
    ['by its path in absolute form', `http://anything${PATH}`, 'anything'],
    ['by its Host', '/', HOST],
    ['by its Host with a port', '/', `${HOST}:8080`],
    ['by its Host in capitals', '/', 'Parcels-KN-Channel.Shop.SVC'],
    ['by its Host as a Service', '/', `${HOST}.svc`],
    ['by its Host in full', '/', `${HOST}.svc.cluster.local`],
    ['by its Host in full, rooted, with a port', '/', `${HOST}.svc.cluster.local.:80`],
    ['by its Host in another cluster domain', '/', `${HOST}.svc.example.org`],
    ['by the host of an absolute form', `http://${HOST}.svc.cluster.local/`, 'proxy'],
    ['by an absolute form without a path', `http://${HOST}`, 'proxy'],
  ])('CHN-01, CHN-02: %s', async (_, path, host) => {
    expect(await post(path, host)).toMatchObject({ status: 202, stored: [CHANNEL.channel] })
  })

  test.each<[string, string, string, number, string]>([
    ['a channel of another kind', '/channels/shop/kafkachannel/parcels', 'x', 404, 'BROKER_UNKNOWN'],
    ['a name that no channel has', '/channels/shop/inmemorychannel/x', 'x', 404, 'BROKER_UNKNOWN'],
    ['a path without a name', '/channels/shop/inmemorychannel', 'x', 400, 'PATH_INVALID'],
    ['the log of a source that is not there yet', '/source-logs/shop/pingsource/tick', 'x', 404, 'BROKER_UNKNOWN'],
    ['a path with more behind it', `${PATH}/more`, 'x', 400, 'PATH_INVALID'],
    ['a Host that no channel has', '/', 'letters-kn-channel.shop', 404, 'BROKER_UNKNOWN'],
    ['a Host in another namespace', '/', 'parcels-kn-channel.svc', 404, 'BROKER_UNKNOWN'],
    ['a Host that goes on', '/', `${HOST}.svcs.local`, 404, 'BROKER_UNKNOWN'],
    ['a Host with a path', '/more', HOST, 400, 'PATH_INVALID'],
    ['a Host with the path of no broker', '/shop/nobody', HOST, 400, 'PATH_INVALID'],
    ['a Host with a query', '/?a=b', HOST, 400, 'PATH_INVALID'],
  ])('CHN-05: and not by %s', async (_, path, host, status, code) => {
    expect(await post(path, host)).toMatchObject({ status, code, stored: [] })
  })

  test('a path that names a broker comes before the Host of a channel', async () => {
    expect(await post('/shop/orders', HOST)).toMatchObject({ status: 202, stored: [LOG.channel] })
  })
})

describe('what a channel answers', () => {
  test('CHN-03: 400 to what is no CloudEvent, at both addresses', async () => {
    const invalid = { 'ce-type': '' }
    expect(await post(PATH, 'x', invalid)).toMatchObject({ status: 400, code: 'EVENT_INVALID', stored: [] })
    expect(await post('/', HOST, invalid)).toMatchObject({ status: 400, code: 'EVENT_INVALID', stored: [] })
  })

  test.each(['GET', 'PUT', 'DELETE'])('CHN-04: 405 to %s', async (method) => {
    expect(await post(PATH, 'x', {}, method)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED', stored: [] })
    expect(await post('/', HOST, {}, method)).toMatchObject({ status: 405, stored: [] })
  })

  test('CHN-04: 200 to OPTIONS, with any origin and rate', async () => {
    for (const [path, host] of [
      [PATH, 'x'],
      ['/', HOST],
    ] as const) {
      const { status, answer } = await post(path, host, {}, 'OPTIONS')
      expect([status, answer]).toEqual([200, expect.stringContaining('WebHook-Allowed-Origin: *')])
      expect(answer).toContain('WebHook-Allowed-Rate: *')
    }
  })
})

test('CHN-07: the log holds the event as it came and the hop counter, which nobody outside is sent', async () => {
  await post(PATH, 'x', { 'ce-n': '007', 'content-type': 'text/plain' })
  const event = rig.driver.stored.at(-1)?.entry.event
  expect(Object.fromEntries(event?.attributes ?? [])).toEqual({
    ...{ specversion: '1.0', id: 'id-1', source: '/shop', type: 'order.created', n: '007' },
    ...{ datacontenttype: 'text/plain', knativebrokerttl: 255 },
  })
  expect(String(event?.data)).toBe('x')
})

test('a loop over channels ends: each hop counts, and the last is refused', async () => {
  expect(await post(PATH, 'x', { 'ce-knativebrokerttl': '2' })).toMatchObject({ status: 202 })
  expect(rig.driver.stored.at(-1)?.entry.event.attributes.get('knativebrokerttl')).toBe(1)
  expect(await post(PATH, 'x', { 'ce-knativebrokerttl': '1' })).toMatchObject({ status: 400, code: 'EVENT_TTL_SPENT' })
})

test('CHN-15: trace context and tracing attributes pass', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await post('/', HOST, { traceparent, 'ce-traceparent': traceparent })
  const entry = rig.driver.stored.at(-1)?.entry
  expect(entry?.headers).toMatchObject({ traceparent })
  expect(entry?.event.attributes.get('traceparent')).toBe(traceparent)
})

test('its counters name the channel', async () => {
  await post(PATH, 'x')
  const counted = rig.telemetry.read('ingress_events_accepted_total', { namespace: 'shop', channel: 'parcels' })
  expect(counted).toBeGreaterThan(0)
})

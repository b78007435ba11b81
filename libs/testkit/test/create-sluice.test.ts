import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { createSluice, type SluiceOptions } from '@sluice/testkit'

const HOUR_MS = 3_600_000
const api = { apiVersion: 'eventing.knative.dev/v1' }
const broker = (name = 'default', spec?: object) => ({
  ...api,
  kind: 'Broker',
  metadata: { name },
  ...(spec && { spec }),
})
const service = (name: string) => ({ ref: { apiVersion: 'v1', kind: 'Service', name } })
const trigger = (name: string, more: object = {}) => ({
  ...api,
  kind: 'Trigger',
  metadata: { name },
  spec: { broker: 'default', subscriber: service(name), ...more },
})
const linear = (retry: number, backoffDelay: string) => ({ delivery: { retry, backoffPolicy: 'linear', backoffDelay } })
const problemsOf = (options: SluiceOptions) =>
  createSluice(options).then(
    () => undefined,
    (error: { detail?: { problems?: readonly string[] } }) => error.detail?.problems,
  )

describe('a Sluice in process', () => {
  test('what is sent has arrived when send resolves, filtered and as it was; an event refused says why', async () => {
    const manifests = [broker(), trigger('all'), trigger('few', { filter: { attributes: { type: 'x' } } })]
    await using sluice = await createSluice({ manifests, sinks: { all: 204, few: 204 } })
    expect(await sluice.send({ type: 'y', data: { ü: [1] } })).toEqual({ status: 202 })
    expect(await sluice.send({ type: 'x', subject: 's', data: Buffer.from([0, 255]) })).toEqual({ status: 202 })
    const [all, few] = [sluice.sink('all'), sluice.sink('default/few')]
    expect(all.requests.map(({ headers }) => headers['ce-type'])).toEqual(['y', 'x'])
    expect(JSON.parse(String(all.requests[0]?.body))).toEqual({ ü: [1] })
    expect(few.requests.map(({ headers, body }) => [headers['ce-subject'], [...body]])).toEqual([['s', [0, 255]]])
    expect(await sluice.send({ source: '' })).toMatchObject({ status: 400, problem: { code: 'EVENT_INVALID' } })
    expect((await sluice.send({}, 'nobody')).problem?.code).toBe('BROKER_UNKNOWN')
    expect(sluice.complaints).toEqual([])
  })

  test('time moves when it is told, to the millisecond, and the events of an hour later are of an hour later', async () => {
    const manifests = [broker(), trigger('late', linear(2, 'PT1H'))]
    const startsAt = Date.UTC(2030, 0, 1)
    await using sluice = await createSluice({ manifests, startsAt, sinks: { late: [500, 500, 204] } })
    await sluice.send({})
    const late = sluice.sink('late')
    const first = sluice.now()
    expect(first - startsAt).toBeLessThan(1_000)
    await sluice.advance(HOUR_MS - 1_000)
    expect(late.count).toBe(1)
    await sluice.advance(2_000)
    expect(late.count).toBe(2)
    await sluice.advance('P1D')
    expect(late.count).toBe(3)
    const gaps = late.requests.map(({ gapMs }) => gapMs)
    for (const gap of gaps.slice(1)) expect(Math.abs(gap - HOUR_MS)).toBeLessThan(100)
    expect(sluice.now()).toBe(first + HOUR_MS + 1_000 + 24 * HOUR_MS)
    await expect(sluice.advance('an hour')).rejects.toThrow('ISO 8601')
  })

  test('a subscriber that hangs or is slow takes virtual time, a timeout of minutes included', async () => {
    const delivery = { retry: 1, backoffDelay: 'PT1S', backoffPolicy: 'linear', timeout: 'PT5M' }
    const manifests = [broker(), trigger('slow', { delivery })]
    await using sluice = await createSluice({ manifests, sinks: { slow: ['hang', { status: 204, delayMs: 60_000 }] } })
    await sluice.send({})
    const slow = sluice.sink('slow')
    expect([slow.count, slow.held]).toEqual([1, 1])
    await sluice.advance('PT4M59S')
    expect(slow.count).toBe(1)
    await sluice.advance('PT3S')
    expect([slow.count, slow.held]).toEqual([2, 1])
    await sluice.advance('PT1M')
    expect([slow.count, slow.held, slow.open]).toEqual([2, 0, 0])
    expect(await sluice.parked()).toEqual([])
  })

  test('what no sink takes is parked, and goes when its retention is over', async () => {
    const manifests = [broker(), trigger('refusing'), trigger('fine')]
    await using sluice = await createSluice({ manifests, sinks: { refusing: 422, fine: 204 } })
    await sluice.send({ id: '7' })
    await sluice.advance(1_000)
    expect(await sluice.parked('refusing')).toMatchObject([
      { trigger: 'default/refusing', attempt: 1, attributes: { id: '7' }, reason: expect.any(String) },
    ])
    expect(await sluice.parked('fine')).toEqual([])
    await sluice.advance('P8D')
    expect(await sluice.parked()).toEqual([])
  })

  test('brokers in a row pass an event on, and a loop of them ends', async () => {
    const to = (name: string) => ({ subscriber: { ref: { ...api, kind: 'Broker', name } } })
    const loop = { ...trigger('back', to('default')), spec: { ...to('default'), broker: 'second' } }
    const manifests = [broker(), broker('second'), trigger('on', to('second')), loop, trigger('seen')]
    await using sluice = await createSluice({ manifests, sinks: { seen: 204 } })
    await sluice.send({ knativebrokerttl: 5 })
    await sluice.advance(10_000)
    expect(sluice.sink('seen').count).toBe(2)
  })

  test('manifests may be text, objects, a file or a folder, use the addresses of sinks, and be replaced', async () => {
    const folder = new URL('../../../examples/quickstart', import.meta.url).pathname
    await using quickstart = await createSluice({ manifests: folder, sinks: { 'event-display': 204 } })
    await quickstart.send({})
    expect(quickstart.sink('event-display').count).toBe(1)

    const manifests = ({ a = '' }) => [JSON.stringify(broker()), trigger('by-uri', { subscriber: { uri: `${a}/x` } })]
    await using sluice = await createSluice({ manifests, sinks: { a: 204, b: 204 } })
    await sluice.send({})
    await sluice.apply([broker(), trigger('b')])
    await sluice.send({})
    expect([sluice.sink('a').requests.map(({ path }) => path), sluice.sink('b').count]).toEqual([['/x'], 1])
    await expect(sluice.apply([broker(), broker()])).rejects.toThrow('is there twice')
    await sluice.send({})
    expect(sluice.sink('b').count).toBe(2)
  })

  test('manifests that are wrong, or would not be Ready, are refused with every problem and its place', async () => {
    expect(await problemsOf({ manifests: 'kind: Broker\napiVersion: v9\nmetadata: {name: Ä}\n' })).toEqual(
      expect.arrayContaining([expect.stringMatching(/^manifests:\d+:\d+: \S+: /)]),
    )
    expect(await problemsOf({ manifests: [broker(), { ...broker('b'), spec: { no: 1 } }] })).toEqual([
      expect.stringMatching(/^manifests\[1\]:\d+:\d+: spec\.no: /),
    ])
    expect(await problemsOf({ manifests: '/there/is/no/folder' })).toEqual([expect.stringContaining('does not exist')])
    expect(await problemsOf({ manifests: [broker(), trigger('nobody')] })).toEqual([
      'Trigger default/nobody would not be Ready: spec.subscriber: Service default/nobody does not exist',
    ])
    await using sluice = await createSluice({ manifests: [] })
    expect(() => sluice.sink('x')).toThrow('there is no sink default/x')
  })

  test('a server of your own is waited for in real time, while virtual time stands still', async () => {
    const server = createServer((_, response) => setTimeout(() => response.writeHead(204).end(), 50))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const delivery = { timeout: 'PT0.02S', retry: 0 }
    await using sluice = await createSluice({
      manifests: [broker(), trigger('own', { subscriber: { uri }, delivery })],
    })
    await Promise.all([sluice.send({}), sluice.send({})])
    await sluice.advance('PT1H')
    expect(await sluice.parked()).toEqual([])
    server.close()
    server.closeAllConnections()
  })

  test('what is left over does not keep it from closing', async () => {
    const manifests = [broker(), trigger('hanging'), trigger('late', linear(3, 'PT1H'))]
    const sluice = await createSluice({ manifests, sinks: { hanging: 'hang', late: 500 } })
    await sluice.send({})
    await sluice[Symbol.asyncDispose]()
    await expect(sluice.send({})).rejects.toThrow()
  })
})

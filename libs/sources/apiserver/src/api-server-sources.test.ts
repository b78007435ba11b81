import { describe, expect, test } from '@jest/globals'
import { bench, ROW } from '../test/bench.ts'

const MINUTE_MS = 60_000

describe('the sources of an API server', () => {
  test('SRC-06: tell of nothing that is there at the start, then of each addition, change and removal, the object as it is', async () => {
    const { clock, desk, api, replica, told, conditions, ingress } = bench()
    api.put('shop', 'old')
    await clock.advance(2_000)
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(1_000)
    expect(told()).toEqual([])
    expect(conditions()).toEqual({ Deployed: { status: 'True' }, SufficientPermissions: { status: 'True' } })
    api.put('shop', 'a')
    api.put('shop', 'a', { fields: { spec: { step: 2 } } })
    api.put('shop', 'old')
    api.put('elsewhere', 'b')
    api.remove('shop', 'a')
    await clock.advance(10)
    expect(told()).toEqual(['add shop/a 102', 'update shop/a 103', 'update shop/old 104', 'delete shop/a 106'])
    const { spec, kind } = JSON.parse(String(ingress.stored[1]?.data))
    expect([kind, spec]).toEqual(['Pod', { step: 2 }])
  })

  test('read with tokens of the service account, made anew before they expire', async () => {
    const { clock, desk, api, replica, bearers } = bench()
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(30 * MINUTE_MS)
    expect([...bearers]).toEqual(['token-1'])
    await clock.advance(40 * MINUTE_MS)
    expect([...bearers]).toEqual(['token-1', 'token-2'])
    expect(api.requests.filter((request) => request.endsWith('/serviceaccounts/default/token'))).toHaveLength(2)
  })

  test('say which rights are missing, and begin once they are there', async () => {
    const { clock, desk, api, replica, conditions, told } = bench()
    for (const verb of ['list', 'watch']) for (const where of ['', 'shop']) api.denied.add(`${verb} pods ${where}`)
    await using _ = replica()
    await desk.put({ ...ROW, namespaces: ['shop', 'stock'] })
    await clock.advance(10)
    expect(conditions().SufficientPermissions).toEqual({
      ...{ status: 'False', reason: 'Forbidden' },
      message: 'Pod of v1: system:serviceaccount:shop:default may not list, watch pods in namespace shop',
    })
    expect(api.requests.some((request) => request.endsWith('/pods'))).toBe(false)
    api.denied.clear()
    await clock.advance(MINUTE_MS)
    expect(conditions().SufficientPermissions).toEqual({ status: 'True' })
    api.put('shop', 'a')
    await clock.advance(10)
    expect(told()).toEqual(['add shop/a 101'])
  })

  test('ask nobody for rights where that is not wanted, and say when a list is denied', async () => {
    const { clock, desk, api, replica, conditions } = bench()
    api.denied.add('list pods shop')
    await using _ = replica()
    await desk.put({ ...ROW, skipPermissionsCheck: true })
    await clock.advance(10)
    expect(api.requests.some((request) => request.includes('accessreviews'))).toBe(false)
    expect(conditions().SufficientPermissions).toMatchObject({
      status: 'False',
      message: expect.stringContaining('403'),
    })
  })

  test('without the service account nothing is read', async () => {
    const { clock, desk, api, replica, conditions } = bench()
    await using _ = replica()
    await desk.put({ ...ROW, serviceAccountName: 'missing' })
    await clock.advance(10)
    expect(conditions().SufficientPermissions).toMatchObject({
      ...{ status: 'False', reason: 'Forbidden' },
      message: expect.stringContaining('no token of ServiceAccount shop/missing can be had'),
    })
    expect(api.requests.some((request) => request.endsWith('/pods'))).toBe(false)
  })

  test('of an API server without service accounts are read with the access of the service, and Secrets only by name', async () => {
    const { clock, desk, api, replica, conditions, bearers, told } = bench()
    api.hasServiceAccounts = false
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(10)
    api.put('shop', 'a')
    await clock.advance(10)
    expect([told(), [...bearers]]).toEqual([['add shop/a 101'], []])
    expect(conditions().SufficientPermissions).toMatchObject({ status: 'True', reason: 'NoServiceAccounts' })
    await desk.put({ ...ROW, hash: '2', resources: [{ apiVersion: 'v1', kind: 'Secret' }] })
    await clock.advance(10)
    expect(conditions().SufficientPermissions).toMatchObject({ status: 'False', reason: 'Forbidden' })
    expect(api.requests.some((request) => request.endsWith('/secrets'))).toBe(false)
  })

  test('a kind that is not served is named, holds up no other, and is watched once it is served', async () => {
    const { clock, desk, api, replica, conditions, told } = bench()
    await using _ = replica()
    await desk.put({ ...ROW, resources: [...ROW.resources, { apiVersion: 'v1', kind: 'Widget' }] })
    await clock.advance(10)
    expect(conditions().Deployed).toEqual({
      ...{ status: 'False', reason: 'NotWatched' },
      message: 'Widget of v1: the API server has no kind Widget of v1',
    })
    api.put('shop', 'a')
    await clock.advance(10)
    expect(told()).toEqual(['add shop/a 101'])
    api.resources.push({ name: 'widgetes', kind: 'Widget', namespaced: true, verbs: ['list', 'watch'] })
    await clock.advance(2 * MINUTE_MS)
    expect(conditions().Deployed).toEqual({ status: 'True' })
    expect(api.requests).toContain('GET /api/v1/namespaces/shop/widgetes')
  })

  test('objects made in a namespace before it was watched are told as added, those older than the source are not', async () => {
    const { clock, desk, api, replica, told } = bench()
    api.put('stock', 'old')
    await clock.advance(2_000)
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(2_000)
    api.put('stock', 'new')
    await clock.advance(10)
    await desk.put({ ...ROW, hash: '2', namespaces: ['shop', 'stock'] })
    await clock.advance(10)
    expect(told()).toEqual(['add stock/new 102'])
  })

  test('what went in a namespace before it was no longer watched is told', async () => {
    const { clock, desk, api, replica, told } = bench()
    await using _ = replica()
    await desk.put({ ...ROW, namespaces: ['shop', 'stock'] })
    await clock.advance(2_000)
    api.put('stock', 'a')
    api.put('stock', 'b')
    await clock.advance(10)
    api.faults.push(...Array.from({ length: 4 }, () => ({ kind: 'status', status: 500 }) as const))
    api.cut()
    api.remove('stock', 'a')
    await clock.advance(10)
    await desk.put({ ...ROW, hash: '2' })
    await clock.advance(MINUTE_MS)
    expect(told()).toEqual(['add stock/a 101', 'add stock/b 102', 'delete stock/a 101'])
    expect([...desk.state(ROW.uid).keys()].filter((key) => key.includes('stock'))).toEqual([])
  })

  test('SRC-09: let only the objects through that their namespaces, labels and owner choose, of several resources', async () => {
    const { clock, desk, api, replica, told } = bench()
    await using _ = replica()
    const resources = [
      { apiVersion: 'v1', kind: 'Pod', selector: { matchLabels: { on: 'yes' } } },
      { apiVersion: 'v1', kind: 'Gateway', selector: { matchLabels: { on: 'no' } } },
    ]
    await desk.put({ ...ROW, namespaces: ['shop', 'stock'], resources, owner: { kind: 'Set' } })
    await clock.advance(1_000)
    const labels = { on: 'yes' }
    const owner = { apiVersion: 'v1', kind: 'Set', controller: true }
    api.put('shop', 'a', { labels, owner })
    api.put('stock', 'b', { labels, owner })
    api.put('elsewhere', 'c', { labels, owner })
    api.put('shop', 'd', { labels })
    api.put('shop', 'e', { owner })
    await clock.advance(10)
    expect(told()).toEqual(['add shop/a 101', 'add stock/b 102'])
    expect(api.requests).toContain('GET /api/v1/namespaces/stock/gateways')
  })

  test('what labels begin and cease to choose while the history goes is told, however old it is', async () => {
    const { clock, desk, api, replica, told } = bench()
    for (const name of ['old', 'same', 'gone']) api.put('shop', name, { labels: { on: name === 'old' ? 'no' : 'yes' } })
    await clock.advance(2_000)
    await using _ = replica()
    const resources = [{ apiVersion: 'v1', kind: 'Pod', selector: { matchLabels: { on: 'yes' } } }]
    await desk.put({ ...ROW, resources })
    await clock.advance(10)
    api.faults.push({ kind: 'status', status: 500 })
    api.cut()
    api.put('shop', 'old', { labels: { on: 'yes' } })
    api.put('shop', 'gone', { labels: { on: 'no' } })
    api.compact()
    await clock.advance(MINUTE_MS)
    expect(told()).toEqual(['add shop/old 104', 'delete shop/gone 103'])
  })

  test('a server whose watches say nothing is named, and listed instead', async () => {
    const { clock, desk, api, replica, told, conditions } = bench()
    api.hasEmptyWatches = true
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(10_000)
    expect(conditions().Deployed).toMatchObject({ status: 'False', message: expect.stringContaining('end at once') })
    api.put('shop', 'a')
    await clock.advance(MINUTE_MS)
    expect(told()).toEqual(['add shop/a 101'])
    expect(conditions().Deployed?.status).toBe('False')
    expect(api.requests.length).toBeLessThan(40)
    api.hasEmptyWatches = false
    await clock.advance(2 * MINUTE_MS)
    expect(conditions().Deployed).toEqual({ status: 'True' })
  })

  test('more watches than are allowed are refused by number', async () => {
    const { clock, desk, api, replica, conditions } = bench()
    await using _ = replica()
    await desk.put({ ...ROW, namespaces: Array.from({ length: 501 }, (_, n) => `n${n}`) })
    await clock.advance(10)
    expect(conditions().Deployed).toMatchObject({
      message: expect.stringContaining('it takes 501 watches, 500 are allowed'),
    })
    expect(api.requests.some((request) => request.endsWith('/pods'))).toBe(false)
  })

  test('an ingress that is full is waited for: nothing is pulled meanwhile, and nothing is lost or out of order', async () => {
    const { clock, desk, api, replica, told, ingress } = bench()
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(10)
    ingress.respond = () => 429
    for (let n = 0; n < 300; n++) api.put('shop', `p${n % 10}`)
    await clock.advance(10 * MINUTE_MS)
    expect(told()).toEqual([])
    ingress.respond = () => 202
    await clock.advance(MINUTE_MS)
    expect(told()).toHaveLength(300)
    for (let n = 0; n < 10; n++) {
      const versions = told()
        .filter((line) => line.includes(`/p${n} `))
        .map((line) => Number(line.split(' ')[2]))
      expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    }
  })

  test('a desk that has no room for what is known is named, and events go on', async () => {
    const { clock, desk, api, replica, told, conditions } = bench()
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(10)
    desk.isFull = true
    api.put('shop', 'a')
    await clock.advance(10)
    expect(told()).toEqual(['add shop/a 101'])
    expect(conditions().Deployed).toMatchObject({
      status: 'False',
      message: expect.stringContaining('at the controller'),
    })
    desk.isFull = false
    await clock.advance(MINUTE_MS)
    expect(conditions().Deployed).toEqual({ status: 'True' })
  })

  test('two that run it, one of which does not know, tell the same with the same ids, and the former ends', async () => {
    const { clock, desk, api, replica, told, ingress, telemetry } = bench()
    await using _a = replica()
    await using _b = replica()
    await desk.put(ROW)
    await clock.advance(1_000)
    await desk.split(ROW.uid)
    await clock.advance(10)
    expect(api.watches).toBe(2)
    api.put('shop', 'a')
    api.put('shop', 'b')
    api.remove('shop', 'a')
    await clock.advance(10)
    expect(told()).toEqual(['add shop/a 101', 'add shop/b 102', 'delete shop/a 103'])
    expect(ingress.stored.length).toBeGreaterThan(3)
    api.put('shop', 'c')
    await clock.advance(1_000)
    expect(api.watches).toBe(1)
    expect(telemetry.lines.some(({ message }) => message === 'objects are followed no longer')).toBe(true)
    expect(told()).toEqual(['add shop/a 101', 'add shop/b 102', 'delete shop/a 103', 'add shop/c 104'])
  })

  test('a desk that is away delays nothing, and is told afterwards', async () => {
    const { clock, desk, api, replica, told } = bench()
    await using _ = replica()
    await desk.put(ROW)
    await clock.advance(10)
    desk.isAway = true
    api.put('shop', 'a')
    api.put('shop', 'b')
    api.remove('shop', 'a')
    await clock.advance(1_000)
    expect(told()).toEqual(['add shop/a 101', 'add shop/b 102', 'delete shop/a 103'])
    expect(JSON.stringify([...desk.state(ROW.uid)])).not.toContain('shop/b')
    desk.isAway = false
    await clock.advance(MINUTE_MS)
    expect(JSON.stringify([...desk.state(ROW.uid)])).toContain('shop/b')
    expect(JSON.stringify([...desk.state(ROW.uid)])).not.toContain('shop/a')
  })
})

import { describe, expect, test } from '@jest/globals'
import { posting, startSink } from '@sluice/testkit'
import { install } from './installation.ts'
import { broker, quickRetries, trigger } from './manifests.ts'

describe('addresses', () => {
  test('HOST=0.0.0.0: what is printed can be called from here, and names a broker of the folder', async () => {
    await using sink = await startSink()
    const manifests = {
      'all.yaml': broker('orders') + trigger('one', { uri: sink.url }).replace('broker: default', 'broker: orders'),
    }
    await using sluice = await install({ manifests, env: { HOST: '0.0.0.0' } })
    const { ingress, control, metrics } = sluice.running.urls
    for (const url of [ingress, control, metrics]) expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]/)
    expect((await sluice.get(`${control}/readyz`)).status).toBe(200)
    expect((await sluice.get(String(metrics))).status).toBe(200)
    const [, pasted] = await sluice.running.printed(/curl -i (\S+)/)
    expect(pasted).toBe(`${ingress}/default/orders`)
    expect((await sluice.post(posting('1'), '/default/orders')).status).toBe(202)
    expect((await sink.received(1))[0]?.id).toBe('1')
    expect(sluice.running.stdout()).toContain(`goes to ${sink.url}/ (trigger default/one), not to this screen`)
  })

  test('INGRESS_URL is what a dead letter names as the address of a broker that refused a reply', async () => {
    const reply = { 'ce-specversion': '1.0', 'ce-id': 'r', 'ce-source': '/sink', 'ce-type': 'reply' }
    await using sink = await startSink({
      respond: ({ path }) => (path === '/dead' ? 204 : { status: 200, headers: reply, body: '' }),
    })
    const delivery = { ...quickRetries(0), deadLetterSink: { uri: `${sink.url}/dead` } }
    await using sluice = await install({
      manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url, delivery }) },
      env: { INGRESS_URL: 'https://events.example', MAX_TTL: '1' },
    })
    expect((await sluice.post(posting('1'))).status).toBe(202)
    const dead = await sink.find('the dead letter', ({ path }) => path === '/dead')
    expect(dead.headers['ce-knativeerrordest']).toBe('https://events.example/default/default')
    expect(sluice.running.stdout()).toContain('(from elsewhere https://events.example)')
  })
})

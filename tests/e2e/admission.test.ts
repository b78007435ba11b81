import { describe, expect, test } from '@jest/globals'
import { type Posting, posting, startSink } from '@sluice/testkit'
import { request } from 'undici'
import { install } from './installation.ts'
import { broker, trigger } from './manifests.ts'

const structured = (id: string, more: object = {}) => ({
  specversion: '1.0',
  id,
  source: '/e2e',
  type: 'dev.sluice.e2e',
  data: { id },
  ...more,
})

const batchOf = (events: readonly object[]): Omit<Posting, 'id'> => ({
  headers: { 'content-type': 'application/cloudevents-batch+json' },
  body: JSON.stringify(events),
})

describe('admission', () => {
  test('batch: 202 means all of them, and one invalid event refuses the whole batch before anything is stored', async () => {
    await using sink = await startSink()
    await using sluice = await install({ manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) } })
    const bad = batchOf([structured('never-1'), { ...structured('never-2'), source: '' }, structured('never-3')])
    expect((await sluice.post(bad)).status).toBe(400)
    expect((await sluice.post(batchOf([structured('a'), structured('b'), structured('c')]))).status).toBe(202)
    const requests = await sink.received(3)
    expect(requests.map(({ id }) => id).toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('what is no event, or not for a broker, is refused by status, with words and without a stack', async () => {
    await using sluice = await install({ manifests: { 'all.yaml': broker() } })
    const event = posting('1')
    const { 'ce-type': _type, ...untyped } = event.headers
    const answers = {
      invalid: await sluice.post({ ...event, headers: untyped }),
      plain: await sluice.post({ headers: { 'content-type': 'text/plain' }, body: 'hello' }),
      unknown: await sluice.post(event, '/default/nobody'),
      method: await request(`${sluice.ingressUrl}/default/default`, { method: 'PUT', body: '' }).then(
        async (answer) => ({
          status: answer.statusCode,
          headers: answer.headers,
          text: await answer.body.text(),
        }),
      ),
    }
    expect(Object.entries(answers).map(([name, { status }]) => [name, status])).toEqual([
      ['invalid', 400],
      ['plain', 400],
      ['unknown', 404],
      ['method', 405],
    ])
    expect(answers.method.headers.allow).toBe('POST, OPTIONS')
    expect(answers.invalid.text).toContain('type')
    expect(answers.unknown.text).toContain('no broker')
    for (const { text } of Object.values(answers)) expect(text).not.toMatch(/\n\s+at /)
  })

  test('413: an event beyond MAX_EVENT_BYTES is refused, one of 64 KiB passes', async () => {
    await using sink = await startSink()
    await using sluice = await install({
      manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) },
      env: { MAX_EVENT_BYTES: '131072' },
    })
    expect((await sluice.post(posting('large', {}, 140_000))).status).toBe(413)
    expect((await sluice.post(posting('fits', {}, 65_536))).status).toBe(202)
    const [arrived] = await sink.received(1)
    expect([arrived?.id, arrived?.body.length]).toEqual(['fits', 65_536])
  })

  test('429: at its backlog bound a broker says when to come back, and takes events again once it is worked off', async () => {
    let isDown = true
    await using sink = await startSink({ respond: () => (isDown ? 503 : 204) })
    const annotations = { 'sluice.dev/backlog-max': '200Ki' }
    const delivery = { retry: 1_000, backoffPolicy: 'linear', backoffDelay: 'PT0.2S' }
    await using sluice = await install({
      manifests: { 'all.yaml': broker('default', annotations) + trigger('one', { uri: sink.url, delivery }) },
    })
    const accepted: string[] = []
    let last = await sluice.post(posting('e0', {}, 10_000))
    for (let n = 1; last.status === 202 && n < 2_000; n += 1) {
      accepted.push(`e${n - 1}`)
      last = await sluice.post(posting(`e${n}`, {}, 10_000))
    }
    expect(last.status).toBe(429)
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0)
    isDown = false
    const delivered = new Set<string>()
    await sink.until('delivery of everything accepted', () => {
      for (const { id, at } of sink.requests) if (at >= 0) delivered.add(id)
      return accepted.every((id) => delivered.has(id))
    })
    for (let tries = 0; last.status === 429 && tries < 400; tries += 1) {
      await new Promise((next) => setTimeout(next, 5))
      last = await sluice.post(posting('again'))
    }
    expect(last.status).toBe(202)
  })
})

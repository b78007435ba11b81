import { expect, test } from '@jest/globals'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress, settle, startSink, VirtualClock } from '@sluice/testkit'
import { type FeedRow, feedSource } from './feed-source.ts'

test('a feed is posted entry by entry, over an outage of the ingress and into another replica', async () => {
  const entries = ['1', '2', '3', '4'].map((id) => ({ id, title: `entry ${id}` }))
  await using feed = await startSink({
    respond: ({ path, headers }) => {
      const after = new URLSearchParams(path.split('?')[1]).get('after') ?? ''
      const body = JSON.stringify(entries.filter(({ id }) => id > after))
      return headers.authorization === 'Bearer s3cret' ? { status: 200, body } : 401
    },
  })
  const [clock, telemetry] = [new VirtualClock(), createTestTelemetry()]
  const desk = createFakeDesk<FeedRow>({ clock })
  const ingress = createFakeIngress({ clock })
  const start = () =>
    runSources({ clock, telemetry, sender: ingress.sender, desk: desk.replica(), hold: feedSource, random: () => 0 })
  const stored = () => ingress.stored.map(({ attributes }) => attributes.get('id'))
  const first = start()

  ingress.respond = ({ n }) => (n > 2 ? 503 : 202)
  await desk.put({
    ...{ uid: 'u1', hash: '', kind: 'PingSource', namespace: 'shop', name: 'news', feed: feed.url, everyMs: 60_000 },
    target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
    secrets: { token: { namespace: 'shop', name: 'news', key: 'token' } },
  })
  await settle()
  expect(desk.reports('u1').at(-1)?.conditions.Deployed?.reason).toBe('SourceSecretMissing')
  desk.secrets.set('shop/news/token', 's3cret')
  await clock.advance(500)
  await feed.received(1)
  for (let waited = 0; ingress.requests.length < 3 && waited < 100; waited++) await settle(20)
  await clock.advance(3_600_000)
  expect(stored()).toEqual(['1', '2'])

  await first[Symbol.asyncDispose]()
  ingress.respond = () => 202
  await using _ = start()
  await feed.received(2)
  for (let waited = 0; stored().length < 4 && waited < 100; waited++) await settle(20)
  expect(stored()).toEqual(['1', '2', '3', '4'])
  expect(desk.state('u1').get('last')).toBe('4')
})

import { describe, expect, test } from '@jest/globals'
import { createSluice, type SluiceOptions } from '@sluice/testkit'

const api = { apiVersion: 'eventing.knative.dev/v1' }
const broker = { ...api, kind: 'Broker', metadata: { name: 'default' } }
const trigger = (name: string, annotations: Record<string, string> = {}, delivery?: object) => ({
  ...api,
  kind: 'Trigger',
  metadata: { name, annotations },
  spec: {
    broker: 'default',
    subscriber: { ref: { apiVersion: 'v1', kind: 'Service', name } },
    ...(delivery && { delivery }),
  },
})
const start = (
  name: string,
  script: NonNullable<SluiceOptions['sinks']>[string],
  ...of: [Record<string, string>?, object?]
) => createSluice({ manifests: [broker, trigger(name, ...of)], sinks: { [name]: script } })

/** All at once, as many clients would. */
async function sendMany(sluice: Awaited<ReturnType<typeof createSluice>>, count: number, more = (_: number) => ({})) {
  const sent = Array.from({ length: count }, (_, i) => sluice.send({ id: `${i}`, ...more(i) }))
  for (const { status } of await Promise.all(sent)) expect(status).toBe(202)
}

describe('the controls of a trigger, from a POST to the subscriber', () => {
  test('SRC-24: order by key: what is behind a failing event waits through its retries, in order; other keys go on', async () => {
    let isDown = true
    await using sluice = await start(
      'ledger',
      ({ id }) => (id === '0' && isDown ? 503 : 204),
      { 'sluice.dev/order': 'key' },
      { retry: 100, backoffPolicy: 'linear', backoffDelay: 'PT1M' },
    )
    for (let i = 0; i < 40; i += 1) await sluice.send({ id: `${i}`, partitionkey: `${i % 4}` })
    await sluice.advance('PT5M')
    const ledger = sluice.sink('ledger')
    const of = (key: number) => ledger.requests.map(({ id }) => Number(id)).filter((id) => id % 4 === key)
    for (const key of [1, 2, 3]) expect(of(key)).toEqual(Array.from({ length: 10 }, (_, i) => key + 4 * i))
    expect(of(0)).toEqual(Array.from({ length: of(0).length }, () => 0))
    isDown = false
    await sluice.advance('PT2M')
    expect(of(0).filter((id) => id > 0)).toEqual(Array.from({ length: 9 }, (_, i) => 4 * (i + 1)))
  })

  test('a suspension spends nothing, and what waited goes when it ends', async () => {
    await using sluice = await start('late', 204, { 'sluice.dev/suspend': 'true' })
    await sendMany(sluice, 50)
    await sluice.advance('PT1H')
    expect(sluice.sink('late').count).toBe(0)
    await sluice.apply([broker, trigger('late')])
    await sluice.advance('PT1S')
    expect(new Set(sluice.sink('late').requests.map(({ id }) => id)).size).toBe(50)
  })

  test('a rate is kept, out of memory and out of the store', async () => {
    await using sluice = await start('slow', 204, { 'sluice.dev/rate': '10' })
    await sendMany(sluice, 60)
    const before = sluice.sink('slow').count
    await sluice.advance('PT3S')
    expect(Math.abs(sluice.sink('slow').count - before - 30)).toBeLessThanOrEqual(2)
    await sluice.advance('PT3S')
    expect(sluice.sink('slow').count).toBe(60)
  })

  test('a repeat within its window is left out', async () => {
    await using sluice = await start('once', 204, { 'sluice.dev/dedup-window': 'PT10M' })
    const again = async () => {
      await sluice.send({ id: '1', source: '/a' })
      return sluice.sink('once').count
    }
    expect([await again(), await again()]).toEqual([1, 1])
    await sluice.advance('PT11M')
    expect(await again()).toBe(2)
  })

  test('a subscriber that is gone for a while loses nothing to the dead letter sink, and gets it all', async () => {
    let isGone = true
    await using sluice = await start('gone', () => (isGone ? 'reset' : 204))
    await sendMany(sluice, 100)
    await sluice.advance('PT10M')
    isGone = false
    const asked = sluice.sink('gone').count
    expect(asked).toBeLessThan(100 * 6 + 600 / 15)
    await sluice.advance('PT5M')
    expect(
      new Set(
        sluice
          .sink('gone')
          .requests.slice(asked)
          .map(({ id }) => id),
      ).size,
    ).toBe(100)
    expect(await sluice.parked()).toEqual([])
  })
})

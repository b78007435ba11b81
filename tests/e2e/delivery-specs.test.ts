import { describe, expect, test } from '@jest/globals'
import { createSluice } from '@sluice/testkit'

const API = 'eventing.knative.dev/v1'
const ref = (name: string) => ({ ref: { apiVersion: 'v1', kind: 'Service', name } })
const broker = (delivery: object) => ({
  ...{ apiVersion: API, kind: 'Broker', metadata: { name: 'default' } },
  spec: { delivery },
})
const trigger = (name: string, delivery?: object) => ({
  ...{ apiVersion: API, kind: 'Trigger', metadata: { name } },
  spec: { broker: 'default', subscriber: ref(name), ...(delivery && { delivery }) },
})
const failing = (times: number) => [...Array.from({ length: times }, () => ({ status: 503 })), { status: 200 }]
const waits = { backoffPolicy: 'linear', backoffDelay: 'PT1S' }

/** One event, and an hour. Answers how many requests each sink had, and what was parked. */
async function outcome(manifests: readonly object[], sinks: Parameters<typeof createSluice>[0]['sinks'] = {}) {
  await using sluice = await createSluice({ manifests, sinks })
  expect((await sluice.send({ type: 'order.paid' })).status).toBe(202)
  await sluice.advance('PT1H')
  const requests = Object.keys(sinks).map((name) => [name, sluice.sink(name).requests.length] as const)
  return { ...Object.fromEntries(requests), parked: (await sluice.parked()).map(({ trigger }) => trigger) }
}

describe("a Trigger's delivery spec replaces its Broker's as a whole", () => {
  test('RTY-03 each Trigger has its own retries, none has those of the Broker', async () => {
    const manifests = [
      broker({ retry: 0, ...waits }),
      trigger('t1', { retry: 3, ...waits, deadLetterSink: ref('dead') }),
      trigger('t2', { retry: 1, ...waits }),
    ]
    // without any dead letter sink an event is parked, where Knative drops it
    expect(await outcome(manifests, { t1: failing(3), t2: failing(2), dead: { status: 200 } })).toEqual({
      ...{ t1: 4, t2: 2, dead: 0, parked: ['default/t2'] },
    })
  })

  test("RTY-05 but the dead letter sink: a Trigger without one has its Broker's", async () => {
    const manifests = [
      broker({ retry: 0, ...waits, deadLetterSink: ref('theirs') }),
      trigger('t1', { retry: 3, ...waits, deadLetterSink: ref('own') }),
      trigger('t2', { retry: 1, ...waits }),
    ]
    const sinks = { t1: failing(4), t2: failing(2), own: { status: 200 }, theirs: { status: 200 } }
    expect(await outcome(manifests, sinks)).toEqual({ t1: 4, t2: 2, own: 1, theirs: 1, parked: [] })
  })

  test("RTY-07 a Trigger's own dead letter sink gets what only it could not deliver", async () => {
    const manifests = [
      broker({ retry: 0, ...waits, deadLetterSink: ref('theirs') }),
      trigger('t1', { deadLetterSink: ref('own') }),
    ]
    const sinks = { t1: { status: 400 }, own: { status: 200 }, theirs: { status: 200 } }
    expect(await outcome(manifests, sinks)).toEqual({ t1: 1, own: 1, theirs: 0, parked: [] })
  })
})

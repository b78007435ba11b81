import { expect, test } from '@jest/globals'
import { createSluice } from '@sluice/testkit'

const manifests = `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: { name: default }
spec:
  delivery:
    retry: 5
    backoffPolicy: exponential
    backoffDelay: PT1H
    deadLetterSink: { ref: { apiVersion: v1, kind: Service, name: letters } }
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: { name: billing }
spec:
  broker: default
  filter: { attributes: { type: order.paid } }
  subscriber: { ref: { apiVersion: v1, kind: Service, name: billing } }
`

test('an order that billing cannot take is tried again for 31 hours, and then it is a letter', async () => {
  await using sluice = await createSluice({ manifests, sinks: { billing: 503, letters: 204 } })
  await sluice.send({ type: 'order.sent', id: 'other' })
  await sluice.send({ type: 'order.paid', id: '7', data: { amount: 12 } })
  const [billing, letters] = [sluice.sink('billing'), sluice.sink('letters')]
  expect(billing.requests.map(({ id }) => id)).toEqual(['7'])

  await sluice.advance('PT30H') // 1 + 2 + 4 + 8 h, and half of the 16
  expect([billing.count, letters.count]).toEqual([5, 0])
  await sluice.advance('PT2H')
  expect([billing.count, letters.count]).toEqual([6, 1])
  expect(letters.requests[0]?.headers).toMatchObject({ 'ce-id': '7', 'ce-knativeerrorcode': '503' })
})

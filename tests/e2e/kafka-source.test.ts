import { createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { until } from '@sluice/testkit'
import { install } from './installation.ts'

const orders = (port: number) => `
apiVersion: sources.knative.dev/v1
kind: KafkaSource
metadata: { name: orders, namespace: shop }
spec:
  bootstrapServers: ["127.0.0.1:${port}"]
  topics: [orders]
  sink: { uri: http://127.0.0.1:9 }
`

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/** What is read of a Kafka is proven beside the client, in libs/kafka-group. */
test('a KafkaSource of standalone whose brokers are not there asks for them, is not Ready and says why', async () => {
  let asked = 0
  const nobody = createServer((socket) => {
    asked++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => nobody.once('listening', resolve))
  const { port } = nobody.address() as { port: number }
  try {
    await using sluice = await install({ manifests: { 'orders.yaml': orders(port) }, readyTimeoutMs: 20_000 })
    const path = '/apis/sources.knative.dev/v1/namespaces/shop/kafkasources/orders'
    const url = new URL(path, sluice.running.urls.control).href
    const conditionsNow = async () => {
      const { status } = JSON.parse((await sluice.get(url)).text) as { status?: { conditions?: readonly Condition[] } }
      return new Map(status?.conditions?.map((each) => [each.type, each]))
    }
    await until('the condition', async () => (await conditionsNow()).get('ConnectionEstablished')?.status === 'False')
    const conditions = await conditionsNow()
    expect(conditions.get('ConnectionEstablished')).toMatchObject({ reason: 'KafkaUnavailable' })
    expect(conditions.get('Ready')?.status).toBe('False')
    expect(asked).toBeGreaterThan(0)
  } finally {
    nobody.close()
  }
})

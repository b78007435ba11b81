import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { SinkAnswer, SinkRequest } from '@sluice/testkit'
import { Kafka, logLevel, type Message, Partitioners } from 'kafkajs'
import { request } from 'undici'
import { missingTicks, ticking } from '../ticks.ts'

const SECRET = 'It is no secret here'
const PARTITIONS = 3
/** How a sink that is away may answer. */
const AWAY: readonly SinkAnswer[] = [503, 500, 'reset', 404]
const EVERY_MS = 500

/** One source of each kind into a sink of no kind of ours, and a PingSource into a Broker whose Trigger goes there too. */
export const manifests = (sink: string, brokers: string): Readonly<Record<string, string>> => ({
  'tick.yaml': ticking('tick', sink),
  'hub.yaml': `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: { name: hub, namespace: shop }
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: { name: hub, namespace: shop }
spec:
  broker: hub
  subscriber: { uri: ${sink} }
  # Without it ten retries are over after 204 s
  delivery: { retry: 1000, backoffPolicy: exponential, backoffDelay: PT0.2S, backoffMax: PT30S }
---
${ticking('hub', 'x').replace('{ uri: x }', '{ ref: { apiVersion: eventing.knative.dev/v1, kind: Broker, name: hub } }')}`,
  'hooks.yaml': `
apiVersion: v1
kind: Secret
metadata: { name: github, namespace: shop }
stringData: { secretToken: ${SECRET} }
---
apiVersion: sources.knative.dev/v1alpha1
kind: GitHubSource
metadata: { name: hooks, namespace: shop, annotations: { sluice.dev/webhook: manual } }
spec:
  ownerAndRepository: octocat/Hello-World
  eventTypes: [push]
  accessToken: { secretKeyRef: { name: github, key: accessToken } }
  secretToken: { secretKeyRef: { name: github, key: secretToken } }
  sink: { uri: ${sink} }`,
  'objects.yaml': `
apiVersion: sources.knative.dev/v1
kind: ApiServerSource
metadata: { name: objects, namespace: shop }
spec:
  resources: [{ apiVersion: v1, kind: Namespace }]
  filters: [{ suffix: { type: .add } }]
  sink: { uri: ${sink} }`,
  ...(brokers !== '' && {
    'records.yaml': `
apiVersion: sources.knative.dev/v1
kind: KafkaSource
metadata: { name: records, namespace: shop }
spec:
  bootstrapServers: ["${brokers}"]
  topics: [records]
  consumers: 2
  initialOffset: earliest
  sink: { uri: ${sink} }`,
  }),
})

/** What came at the sink, which is away as long as it is told so. */
export class Arrivals {
  isAway = false
  readonly taken: SinkRequest[] = []
  #refused = 0

  readonly respond = (request: SinkRequest): SinkAnswer => {
    if (this.isAway) return AWAY[this.#refused++ % AWAY.length] ?? 503
    this.taken.push(request)
    return 204
  }

  of(source: string): readonly SinkRequest[] {
    return this.taken.filter(({ headers }) => String(headers['ce-source']).includes(source))
  }
}

/** What goes in while the sink is away. */
export class Traffic implements AsyncDisposable {
  readonly hooks: string[] = []
  readonly objects: string[] = []
  records = 0
  readonly #stop = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #isCut = false

  /** `receivers`: of webhooks, any of which may be away. */
  start(options: {
    readonly receivers: () => readonly string[]
    readonly write: (file: string, yaml: string) => void
    readonly brokers: string
  }): void {
    this.#running = Promise.all([
      this.#every(() => this.#hook(options.receivers)),
      this.#every(() => this.#object(options.write)),
      options.brokers === '' ? undefined : this.#produce(options.brokers),
    ])
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** What did not come, in words; empty: everything did, in its order. */
  missing(arrivals: Arrivals): string {
    const told = (source: string, attribute: string) =>
      new Set(arrivals.of(source).map(({ headers }) => headers[attribute]))
    const [hooks, objects] = [told('octocat', 'ce-id'), told('http', 'ce-name')]
    const lost = {
      tick: missingTicks(arrivals.of('/pingsources/tick')),
      hub: missingTicks(arrivals.of('/pingsources/hub')),
      hooks: this.hooks.filter((id) => !hooks.has(id)),
      objects: this.objects.filter((name) => !objects.has(name)),
      records: this.#lostRecords(arrivals),
    }
    return Object.entries(lost)
      .filter(([, all]) => all.length > 0)
      .map(([what, all]) => `${what}: ${all.slice(0, 10)} (${all.length})`)
      .join('; ')
  }

  #lostRecords(arrivals: Arrivals): readonly (number | string)[] {
    const came = [...new Set(arrivals.of('kafkasources/records').map(({ body }) => Number(body)))]
    const lost = Array.from({ length: this.records }, (_, n) => n).filter((n) => !came.includes(n))
    const unordered = came.filter((n, i) =>
      came.slice(0, i).some((before) => before > n && (before - n) % PARTITIONS === 0),
    )
    return [...lost, ...unordered.map((n) => `${n} late`)]
  }

  async #every(work: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await work()
      await wait(EVERY_MS)
    }
  }

  /** As somebody who redelivers what was not answered 202. */
  async #hook(receivers: () => readonly string[]): Promise<void> {
    const id = crypto.randomUUID()
    const body = JSON.stringify({ ref: id })
    const headers = {
      ...{ 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': id },
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    }
    for (let n = 0; !this.#isCut; n++) {
      const all = receivers()
      const url = `${all[n % all.length]?.replace(/\/$/, '')}/sources/shop/githubsource/hooks`
      const answer = await request(url, { method: 'POST', headers, body }).catch(() => undefined)
      await answer?.body.dump()
      if (answer?.statusCode === 202) return void this.hooks.push(id)
      await wait(100)
    }
  }

  async #object(write: (file: string, yaml: string) => void): Promise<void> {
    const name = `n-${this.objects.length}`
    write(`${name}.yaml`, `{ apiVersion: v1, kind: Namespace, metadata: { name: ${name} } }\n`)
    this.objects.push(name)
  }

  async #produce(brokers: string): Promise<void> {
    const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await this.#every(async () => {
      const messages: Message[] = Array.from({ length: 10 }, (_, i) => ({
        ...{ value: `${this.records + i}`, partition: (this.records + i) % PARTITIONS },
      }))
      await producer.send({ topic: 'records', messages, acks: -1 })
      this.records += messages.length
    })
    await producer.disconnect()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isCut = true
    await this.stop()
  }
}

export async function createTopic(brokers: string): Promise<void> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'records', numPartitions: PARTITIONS }], waitForLeaders: true })
  await admin.disconnect()
}

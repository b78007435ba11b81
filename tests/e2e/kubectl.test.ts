import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { posting, provisionKubectls, startSink } from '@sluice/testkit'
import { type Kubectl, startKubectl } from './resource-api/kubectl.ts'

const kubectls = await provisionKubectls()

const MANIFESTS = `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: { name: default, labels: { app: shop } }
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: { name: orders, labels: { app: shop } }
spec:
  broker: default
  filter: { attributes: { type: order.placed } }
  subscriber: { uri: http://127.0.0.1:9/orders }
---
apiVersion: messaging.knative.dev/v1
kind: Channel
metadata: { name: pipe }
`

const SOURCES = `
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: { name: test-ping-source }
spec:
  schedule: "*/1 * * * *"
  contentType: "application/json"
  data: '{"message": "Hello world!"}'
  sink: { ref: { apiVersion: v1, kind: Service, name: event-display } }
---
apiVersion: sources.knative.dev/v1beta2
kind: PingSource
metadata: { name: to-a-url }
spec:
  schedule: "0 0 1 1 *"
  dataBase64: "ZGF0YQ=="
  sink: { uri: http://127.0.0.1:9/ticks }
---
apiVersion: sources.knative.dev/v1
kind: ApiServerSource
metadata: { name: testevents }
spec:
  serviceAccountName: events-sa
  mode: Resource
  resources: [{ apiVersion: v1, kind: Event }]
  sink: { ref: { apiVersion: eventing.knative.dev/v1, kind: Broker, name: default } }
---
apiVersion: sources.knative.dev/v1alpha1
kind: GitHubSource
metadata: { name: githubsourcesample }
spec:
  eventTypes: [pull_request]
  ownerAndRepository: myuser/myrepo
  accessToken: { secretKeyRef: { name: githubsecret, key: accessToken } }
  secretToken: { secretKeyRef: { name: githubsecret, key: secretToken } }
  sink: { ref: { apiVersion: v1, kind: Service, name: event-display } }
---
apiVersion: sources.knative.dev/v1beta1
kind: KafkaSource
metadata: { name: kafka-source }
spec:
  consumerGroup: knative-group
  bootstrapServers: ["my-cluster-kafka-bootstrap.kafka:9092"]
  topics: [knative-demo-topic]
  sink: { ref: { apiVersion: v1, kind: Service, name: event-display } }
`

for (const { found, report } of kubectls) {
  const path = found?.kind === 'program' ? found.path : undefined
  const suite = path === undefined ? describe.skip : describe
  suite(`kubectl without a cluster (${report})`, () => {
    let kubectl: Kubectl
    beforeAll(async () => {
      kubectl = await startKubectl(path ?? '')
    })
    afterAll(async () => kubectl?.[Symbol.asyncDispose]())

    test('finds out what there is', async () => {
      expect(await kubectl.ok('version')).toContain('Server Version: v1.')
      expect(await kubectl.ok('cluster-info')).toContain('is running at')
      expect((await kubectl.ok('api-versions')).split('\n')).toEqual(
        expect.arrayContaining(['eventing.knative.dev/v1', 'messaging.knative.dev/v1', 'v1']),
      )
      expect(await kubectl.ok('api-resources --sort-by=name')).toMatch(
        /^brokers +eventing.knative.dev\/v1 +true +Broker/m,
      )
      expect(await kubectl.ok('get crd')).toContain('triggers.eventing.knative.dev')
      expect(await kubectl.ok('get crd brokers.eventing.knative.dev -o jsonpath={.spec.names.kind}')).toBe('Broker')
      expect(await kubectl.ok('get --raw /healthz')).toBe('ok')
      expect(await kubectl.ok('auth can-i create brokers')).toBe('yes')
      expect(await kubectl.ok('auth can-i --list')).toContain('*.*')
    })

    test('explains kinds and fields', async () => {
      expect(await kubectl.ok('explain broker')).toContain('Takes events and gives each Trigger those it asks for.')
      expect(await kubectl.ok('explain trigger.spec.subscriber')).toContain('uri')
      expect(await kubectl.ok('explain subscription --recursive')).toContain('deadLetterSink')
      expect((await kubectl.run('explain broker.spec.nothing')).output).toContain('field "nothing" does not exist')
    })

    test('creates what typed commands make', async () => {
      await kubectl.ok('create namespace shop')
      await kubectl.ok('create configmap settings -n shop --from-literal=a=b')
      await kubectl.ok('create secret generic keys -n shop --from-literal=a=b')
      await kubectl.ok('create service externalname sink -n shop --external-name=example.com')
      expect(await kubectl.ok('get cm settings -n shop -o jsonpath={.data.a}')).toBe('b')
      expect(await kubectl.ok('get secret keys -n shop -o jsonpath={.data.a}')).toBe('Yg==')
      expect(await kubectl.ok('get svc -n shop')).toMatch(/^sink +ExternalName +example.com/m)
      expect((await kubectl.run('create namespace shop')).output).toMatch(/AlreadyExists/)
      expect((await kubectl.run('create configmap x -n nowhere')).output).toMatch(/namespaces "nowhere" not found/)
    })

    test('applies manifests and shows them in every form', async () => {
      const file = kubectl.file('all.yaml', MANIFESTS)
      expect(await kubectl.ok(`apply -f ${file} --dry-run=server`)).toContain('created (server dry run)')
      expect(await kubectl.ok(`apply -f ${file}`)).toContain('trigger.eventing.knative.dev/orders created')
      expect(await kubectl.ok(`apply -f ${file}`)).toContain('trigger.eventing.knative.dev/orders unchanged')
      expect(await kubectl.ok(`diff -f ${file}`)).toBe('')
      expect(await kubectl.ok('get brokers')).toMatch(/^NAME +URL +AGE +READY +REASON\ndefault/)
      expect(await kubectl.ok('get brokers -o wide')).toMatch(/CLASS/)
      expect(await kubectl.ok('get broker,trigger -A -o name')).toBe(
        'broker.eventing.knative.dev/default\ntrigger.eventing.knative.dev/orders',
      )
      expect(await kubectl.ok('get trigger orders -o yaml')).toContain('broker: default')
      expect(JSON.parse(await kubectl.ok('get trigger -o json')).items).toHaveLength(1)
      expect(await kubectl.ok('get all -l app=shop -o name')).toContain('trigger.eventing.knative.dev/orders')
      expect(await kubectl.ok('get trigger -l app!=shop -o name')).toBe('')
      expect(await kubectl.ok('get trigger --field-selector=metadata.name=orders -o name')).toContain('orders')
      expect(await kubectl.ok('get cm -A --sort-by=.metadata.name --chunk-size=1')).toContain('settings')
      expect(await kubectl.ok('get trigger -o custom-columns=N:.metadata.name,B:.spec.broker')).toMatch(
        /orders +default/,
      )
      expect((await kubectl.run('get broker none')).output).toBe(
        'Error from server (NotFound): brokers.eventing.knative.dev "none" not found',
      )
    })

    test('describes an object with its Events', async () => {
      const uid = await kubectl.ok('get broker default -o jsonpath={.metadata.uid}')
      const event = {
        ...{ apiVersion: 'v1', kind: 'Event', metadata: { name: 'default.1', namespace: 'default' } },
        ...{ reason: 'NotProgrammed', message: 'no service answers', type: 'Warning', count: 1 },
        involvedObject: {
          apiVersion: 'eventing.knative.dev/v1',
          kind: 'Broker',
          name: 'default',
          namespace: 'default',
          uid,
        },
        ...{ source: { component: 'test' }, lastTimestamp: new Date().toISOString() },
      }
      await kubectl.ok('create -f -', { input: JSON.stringify(event) })
      expect(await kubectl.ok('describe broker default')).toMatch(/Warning +NotProgrammed .* +no service answers/)
      expect(await kubectl.ok('get events')).toMatch(/Warning +NotProgrammed +broker\/default +no service answers/)
      expect(await kubectl.ok('events --for=broker/default')).toContain('no service answers')
    })

    test('watches', async () => {
      const seen = kubectl.until('get cm -w --output-watch-events', /ADDED +watched[\s\S]*DELETED +watched/)
      await kubectl.ok('create configmap watched --from-literal=a=b')
      const waited = kubectl.ok('wait --for=delete cm/watched --timeout=15s')
      await kubectl.ok('wait --for=jsonpath={.data.a}=b cm/watched --timeout=15s')
      await untilAsked(kubectl, /configmaps\?.*watch=true/, 2)
      await kubectl.ok('delete cm watched')
      await Promise.all([seen, waited])
    })

    test('replaces, and refuses what is wrong with every problem and its field', async () => {
      const file = kubectl.file('cm.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: r }\ndata: { a: b }\n')
      await kubectl.ok(`create -f ${file}`)
      await kubectl.ok(`replace -f ${file}`)
      await kubectl.ok(`replace --force -f ${file}`)
      const wrong = 'apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: { name: w }\n'
      const { output } = await kubectl.run('create -f -', {
        input: `${wrong}spec: { broker: "", filters: [{ exact: {} }] }\n`,
      })
      expect(output).toContain('The Trigger "w" is invalid')
      expect(output).toContain('spec.subscriber')
      const unknown = await kubectl.run('create -f -', { input: `${wrong}spec: { brokre: x }\n` })
      expect(unknown.output).toContain('unknown field "spec.brokre"')
    })

    test('changes objects: patch of every type, label, annotate, edit, apply of either side', async () => {
      const file = kubectl.file('all.yaml', MANIFESTS)
      expect(await kubectl.ok('label trigger orders tier=gold')).toContain('labeled')
      expect((await kubectl.run('label trigger orders tier=iron')).output).toContain('--overwrite is false')
      await kubectl.ok('annotate trigger orders note=before')
      await kubectl.ok('edit trigger orders')
      expect(await kubectl.ok('get trigger orders -o jsonpath={.metadata.annotations.note}')).toBe('edited')
      await kubectl.ok('patch trigger orders --type=merge -p {"spec":{"delivery":{"retry":3}}}')
      const jsonPatch = '[{"op":"replace","path":"/spec/delivery/retry","value":4}]'
      await kubectl.ok('patch trigger orders --type=json', { more: ['-p', jsonPatch] })
      expect(await kubectl.ok('get trigger orders -o jsonpath={.spec.delivery.retry}')).toBe('4')
      await kubectl.ok('create configmap patched --from-literal=a=b')
      await kubectl.ok('patch cm patched -p {"data":{"c":"d"}}')
      expect(await kubectl.ok('get cm patched -o jsonpath={.data}')).toBe('{"a":"b","c":"d"}')
      expect((await kubectl.run('patch trigger orders -p {"spec":{}}')).code).not.toBe(0)
      const changed = kubectl.file('changed.yaml', MANIFESTS.replace('order.placed', 'order.sent'))
      const shown = await kubectl.run(`diff -f ${changed}`)
      expect([shown.code, shown.output]).toEqual([1, expect.stringContaining('+      type: order.sent')])
      expect(await kubectl.ok(`apply -f ${changed}`)).toContain('orders configured')
      expect(await kubectl.ok(`apply -f ${file}`)).toContain('orders configured')
      expect(await kubectl.ok('get trigger orders -o jsonpath={.spec.delivery.retry}')).toBe('4')
      const apply = 'apply --server-side -f'
      const mine = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned }\ndata: { a: b }\n'
      await kubectl.ok(`${apply} ${kubectl.file('mine.yaml', mine)} --field-manager=me`)
      const theirs = kubectl.file('theirs.yaml', mine.replace('a: b', 'a: c'))
      const conflict = await kubectl.run(`${apply} ${theirs} --field-manager=they`)
      expect([conflict.code, conflict.output]).toEqual([1, expect.stringContaining('conflict with "me": .data.a')])
      await kubectl.ok(`${apply} ${theirs} --field-manager=they --force-conflicts`)
      expect(await kubectl.ok('get cm owned -o jsonpath={.data.a}')).toBe('c')
      const folder = kubectl
        .file('kustomization.yaml', 'resources: [mine.yaml]\nnamePrefix: k-\n')
        .replace(/\/[^/]*$/, '')
      expect(await kubectl.ok(`apply -k ${folder}`)).toContain('configmap/k-owned created')
    })

    test('waits until what it applied is Ready, and an event goes the way of it', async () => {
      await using sink = await startSink()
      const manifests = `${MANIFESTS.replace('http://127.0.0.1:9/orders', `${sink.url}/orders`)}`
      await kubectl.ok(`apply -f ${kubectl.file('ready.yaml', manifests)}`)
      await kubectl.ok('wait --for=condition=Ready broker/default trigger/orders channel/pipe --timeout=15s')
      expect(await kubectl.ok('get broker default')).toMatch(/^default +http\S+\/default\/default +\S+ +True/m)
      const { headers, body } = posting('1', { type: 'order.placed' })
      const accepted = await fetch(`${kubectl.api.ingressUrl}/default/default`, { method: 'POST', headers, body })
      expect(accepted.status).toBe(202)
      expect((await sink.received(1))[0]?.path).toBe('/orders')
    })

    test('takes sources as Knative’s guides write them, and lists them as kn does', async () => {
      await using sink = await startSink()
      const file = kubectl.file('sources.yaml', SOURCES.replace('http://127.0.0.1:9/ticks', `${sink.url}/ticks`))
      expect((await kubectl.ok(`apply -f ${file}`)).split('\n')).toEqual([
        'pingsource.sources.knative.dev/test-ping-source created',
        'pingsource.sources.knative.dev/to-a-url created',
        'apiserversource.sources.knative.dev/testevents created',
        'githubsource.sources.knative.dev/githubsourcesample created',
        'kafkasource.sources.knative.dev/kafka-source created',
      ])
      expect(await kubectl.ok(`apply -f ${file}`)).not.toMatch(/created|configured/)
      expect((await kubectl.ok('get sources -o name')).split('\n')).toHaveLength(5)
      expect((await kubectl.ok('get crd -l duck.knative.dev/source=true -o name')).split('\n')).toHaveLength(4)
      const annotation = '{.metadata.annotations.registry\\.knative\\.dev/eventTypes}'
      const types = JSON.parse(await kubectl.ok(`get crd pingsources.sources.knative.dev -o jsonpath=${annotation}`))
      expect(types).toMatchObject([{ type: 'dev.knative.sources.ping' }])
      expect(await kubectl.ok('explain pingsource.spec.schedule')).toContain('as cron has it')
      await kubectl.ok(
        'wait --for=condition=SinkProvided pingsource/test-ping-source pingsource/to-a-url --timeout=15s',
      )
      expect(await kubectl.ok('get pingsource test-ping-source')).toMatch(
        /^NAME +SINK +SCHEDULE +AGE +READY +REASON\ntest-ping-source +http:\S+ +\*\/1 \* \* \* \* /,
      )
      expect(await kubectl.ok('get pingsources.v1beta2.sources.knative.dev to-a-url -o name')).toContain('to-a-url')
      const tick = posting('tick', { type: 'dev.knative.sources.ping' })
      const url = `${kubectl.api.ingressUrl}/source-logs/default/pingsource/to-a-url`
      expect((await fetch(url, { method: 'POST', headers: tick.headers, body: tick.body })).status).toBe(202)
      expect((await sink.received(1))[0]).toMatchObject({ path: '/ticks', id: 'tick' })
      await kubectl.ok('annotate githubsource githubsourcesample sluice.dev/webhook=manual')
      await kubectl.ok(`delete -f ${file} --wait`)
      expect(await kubectl.ok('get sources -o name')).toBe('')
    })

    test('deletes by file, by name, by label and all, and waits until it is done', async () => {
      await kubectl.ok(`delete -f ${kubectl.file('all.yaml', MANIFESTS)} --cascade=foreground --wait`)
      await kubectl.ok('delete cm --all')
      await kubectl.ok('delete secret,svc --all -n shop')
      await kubectl.ok('delete namespace shop')
      expect((await kubectl.run('get cm settings -n shop')).output).toContain('not found')
    })

    test('every path it asked for is one that is answered', () => {
      const isExpected = (url: string) =>
        /\/(none|nowhere|shop|watched|settings|r|w|orders|default|pipe|default\.1|owned|k-owned|patched)\b/.test(url)
      // a strategic patch of a kind that a CRD would make, as in a cluster
      const isRefused = (url: string) => /triggers\/orders\?fieldManager=kubectl-patch/.test(url)
      const unanswered = kubectl.requests.filter(
        ({ status, url }) =>
          (status === 404 && !isExpected(url)) || status === 405 || (status === 415 && !isRefused(url)),
      )
      expect(unanswered).toEqual([])
      expect(kubectl.requests.filter(({ status }) => status >= 500)).toEqual([])
      expect(kubectl.requests.length).toBeGreaterThan(100)
    })
  })
}

/** Until the recorder has seen as many such requests; the commands run beside this test. */
async function untilAsked(kubectl: Kubectl, pattern: RegExp, count: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (kubectl.requests.filter(({ url }) => pattern.test(url)).length >= count) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`kubectl did not ask for ${pattern}: ${JSON.stringify(kubectl.requests)}`)
}

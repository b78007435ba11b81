import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { type SinkRequest, startSink, until } from '@sluice/testkit'
import { install } from './installation.ts'

const source = (uri: string) => `
apiVersion: sources.knative.dev/v1
kind: ApiServerSource
metadata: { name: objects, namespace: default }
spec:
  mode: Resource
  resources:
    - { apiVersion: eventing.knative.dev/v1, kind: Trigger }
    - { apiVersion: v1, kind: Namespace }
  filters:
    - not: { suffix: { type: .update } }
  sink: { uri: ${uri} }
`
const broker = `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: { name: default, namespace: default }
`
const trigger = (name: string) => `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: { name: ${name}, namespace: default }
spec:
  broker: default
  subscriber: { uri: http://127.0.0.1:9/ }
`
const namespace = (name: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${name} }
`

test('SRC-11: an ApiServerSource of standalone tells of Triggers and Namespaces, again what its sink refused, and what changes over a kill -9', async () => {
  const taken: SinkRequest[] = []
  const refused = new Set<string>()
  await using sink = await startSink({
    respond(request) {
      // each event is refused once
      const id = String(request.headers['ce-id'])
      if (!refused.has(id)) {
        refused.add(id)
        return 503
      }
      taken.push(request)
      return 204
    },
  })
  const told = () => [
    ...new Map(taken.map(({ headers }) => [headers['ce-id'], `${headers['ce-type']} ${headers['ce-name']}`])).values(),
  ]
  await using sluice = await install({ manifests: { 'source.yaml': source(sink.url), 'broker.yaml': broker } })
  const api = sluice.env.CONTROL_PORT
  const isReady = async () => {
    const { text } = await sluice.get(
      `http://127.0.0.1:${api}/apis/sources.knative.dev/v1/namespaces/default/apiserversources/objects`,
    )
    const { status } = JSON.parse(text)
    return status?.conditions?.find(({ type }: { type: string }) => type === 'Ready')?.status === 'True' && status
  }
  await until('the source is ready', async () => Boolean(await isReady()))
  expect(await isReady()).toMatchObject({
    namespaces: ['default'],
    ceAttributes: expect.arrayContaining([
      { type: 'dev.knative.apiserver.resource.add', source: `http://127.0.0.1:${api}` },
    ]),
  })
  sluice.write('a.yaml', trigger('a'))
  sluice.write('n.yaml', namespace('stock'))
  await until('both are told', async () => taken.length >= 2)
  const ofTrigger = taken.find(({ headers }) => headers['ce-kind'] === 'Trigger')
  expect(ofTrigger?.headers).toMatchObject({
    'ce-subject': '/apis/eventing.knative.dev/v1/namespaces/default/triggers/a',
    ...{ 'ce-namespace': 'default', 'ce-apiversion': 'eventing.knative.dev/v1', 'content-type': 'application/json' },
  })
  expect(JSON.parse(String(ofTrigger?.body))).toMatchObject({ kind: 'Trigger', spec: { broker: 'default' } })
  const ofNamespace = taken.find(({ headers }) => headers['ce-kind'] === 'Namespace')
  expect(ofNamespace?.headers).toMatchObject({
    'ce-subject': '/apis/v1/namespaces//namespaces/stock',
    'ce-namespace': '',
  })

  sluice.running.kill('SIGKILL')
  await sluice.running.exit
  sluice.write('b.yaml', trigger('b'))
  rmSync(join(String(sluice.env.SLUICE_MANIFESTS), 'a.yaml'))
  await sluice.restart()
  await until('the changes of meanwhile', async () => told().length >= 4)
  expect(told().sort()).toEqual([
    ...['dev.knative.apiserver.resource.add a', 'dev.knative.apiserver.resource.add b'],
    ...['dev.knative.apiserver.resource.add stock', 'dev.knative.apiserver.resource.delete a'],
  ])
})

import { describe, expect, test } from '@jest/globals'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import fastify from 'fastify'
import { BROKER, object, open, table } from '../store/testing.ts'
import { serveResourceApi } from './serve.ts'

const BROKERS = '/apis/eventing.knative.dev/v1/namespaces/default/brokers'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

async function setUp() {
  const telemetry = createTestTelemetry()
  const clock = new VirtualClock()
  const registry = await open({ clock, telemetry })
  const control = fastify({ routerOptions: { maxParamLength: 1_024 } })
  const api = serveResourceApi({ registry, control, telemetry, clock })
  const ask = async (
    method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS',
    url: string,
    { headers = {}, payload = '' }: { headers?: Record<string, string>; payload?: string | Buffer | object } = {},
  ) => {
    const isBare = typeof payload === 'object' && !Buffer.isBuffer(payload)
    const body = isBare ? JSON.stringify(payload) : (payload as string | Buffer)
    const answer = await control.inject({
      ...{ method, url, payload: body },
      headers: { ...(isBare && { 'content-type': 'application/json' }), ...headers },
    })
    return {
      ...{ status: answer.statusCode, headers: answer.headers, text: answer.body },
      get json() {
        return JSON.parse(answer.body)
      },
    }
  }
  return {
    ...{ registry, telemetry, clock, api, ask, control },
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]()
      await control.close()
      await registry[Symbol.asyncDispose]()
    },
  }
}

describe('the REST API', () => {
  test('an object is created, read, replaced and deleted', async () => {
    await using api = await setUp()
    const created = await api.ask('POST', BROKERS, { payload: object(BROKER, 'a') })
    expect([created.status, created.json.metadata.namespace]).toEqual([201, 'default'])
    const read = await api.ask('GET', `${BROKERS}/a`)
    expect([read.status, read.json]).toEqual([200, created.json])
    const next = { ...read.json, metadata: { ...read.json.metadata, labels: { app: 'x' } } }
    expect((await api.ask('PUT', `${BROKERS}/a`, { payload: next })).json.metadata.labels).toEqual({ app: 'x' })
    expect((await api.ask('PUT', `${BROKERS}/a`, { payload: next })).json).toMatchObject({
      ...{ kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 },
    })
    const deleted = await api.ask('DELETE', `${BROKERS}/a`)
    expect(deleted.json).toMatchObject({
      ...{ kind: 'Status', status: 'Success' },
      details: { name: 'a', group: 'eventing.knative.dev', kind: 'brokers', uid: created.json.metadata.uid },
    })
    const gone = await api.ask('GET', `${BROKERS}/a`)
    expect([gone.status, gone.json.message]).toEqual([404, 'brokers.eventing.knative.dev "a" not found'])
  })

  test('bodies are JSON or YAML; dryRun stores nothing', async () => {
    await using api = await setUp()
    const yaml = 'apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: { name: b }\n'
    const headers = { 'content-type': 'application/yaml; charset=utf-8', accept: 'application/yaml' }
    const tried = await api.ask('POST', `${BROKERS}?dryRun=All`, { headers, payload: yaml })
    expect([tried.status, tried.headers['content-type']]).toEqual([201, 'application/yaml'])
    expect(tried.text).toContain('kind: Broker\n')
    expect((await api.ask('GET', `${BROKERS}/b`)).status).toBe(404)
  })

  test('a list comes whole, in pages, by label, as a table or as metadata', async () => {
    await using api = await setUp()
    for (const name of ['a', 'b', 'c'])
      await api.ask('POST', BROKERS, { payload: object(BROKER, name, {}, { labels: { is: name } }) })
    const names = async (search: string) =>
      (await api.ask('GET', `${BROKERS}?${search}`)).json.items.map((each: never) => Object(each).metadata.name)
    expect(await names('')).toEqual(['a', 'b', 'c'])
    expect(await names('labelSelector=is%20in%20(a,c)')).toEqual(['a', 'c'])
    const page = (await api.ask('GET', `${BROKERS}?limit=2`)).json
    expect([page.kind, page.metadata.remainingItemCount]).toEqual(['BrokerList', 1])
    expect(await names(`limit=2&continue=${page.metadata.continue}`)).toEqual(['c'])
    await api.clock.advance(200_000)
    const shown = (await api.ask('GET', BROKERS, { headers: { accept: TABLE } })).json
    const columns = shown.columnDefinitions.map((each: never) => Object(each).name)
    expect([shown.kind, shown.apiVersion, columns.slice(0, 3)]).toEqual([
      ...['Table', 'meta.k8s.io/v1', ['Name', 'URL', 'Age']],
    ])
    expect(shown.rows[0].cells.slice(0, 3)).toEqual(['a', null, '3m20s'])
    expect(shown.rows[0].object.kind).toBe('PartialObjectMetadata')
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
    const partial = (await api.ask('GET', BROKERS, { headers: { accept } })).json
    expect([partial.kind, Object.keys(partial.items[0])]).toEqual([
      ...['PartialObjectMetadataList', ['kind', 'apiVersion', 'metadata']],
    ])
  })

  test('what a kind no longer likes, or does not know, is told in Warning headers', async () => {
    await using api = await setUp()
    const payload = object(BROKER, 'a', { spec: { wrong: 1 } })
    const { headers } = await api.ask('POST', BROKERS, { payload })
    expect(headers.warning).toEqual(['299 - "unknown field \\"spec.wrong\\""'])
    const strict = await api.ask('POST', `${BROKERS}?fieldValidation=Strict`, { payload: { ...payload, x: 1 } })
    expect([strict.status, strict.json.reason]).toEqual([400, 'BadRequest'])
  })

  test('both kinds of discovery name every kind, the best version first', async () => {
    await using api = await setUp()
    expect((await api.ask('GET', '/api')).json.versions).toEqual(['v1'])
    const { groups } = (await api.ask('GET', '/apis')).json
    const eventing = groups.find((each: never) => Object(each).name === 'eventing.knative.dev')
    expect(eventing.versions.map((each: never) => Object(each).version)).toEqual([
      'v1',
      'v1beta3',
      'v1beta2',
      'v1beta1',
    ])
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const found = await Promise.all(['/api', '/apis'].map((url) => api.ask('GET', url, { headers: { accept } })))
    expect(found[0]?.headers['content-type']).toBe(accept)
    const kinds = JSON.stringify(found.map(({ json }) => json))
    for (const { kind, version } of table.served)
      expect(kinds).toContain(
        `"responseKind":{"group":"${kind.group}","version":"${version.name}","kind":"${kind.kind}"}`,
      )
    for (const { kind, apiVersion } of table.served) {
      const path = `/${kind.group === '' ? 'api' : 'apis'}/${apiVersion}`
      const { resources } = (await api.ask('GET', path)).json
      expect(resources.map((each: never) => Object(each).name)).toContain(kind.plural)
    }
  })

  test('OpenAPI documents are found through the index and kept by their hash', async () => {
    await using api = await setUp()
    const { paths } = (await api.ask('GET', '/openapi/v3')).json
    const url = paths['apis/eventing.knative.dev/v1'].serverRelativeURL
    const first = await api.ask('GET', url)
    expect(Object.keys(first.json.components.schemas)).toContain('dev.knative.eventing.v1.Broker')
    const headers = { 'if-none-match': String(first.headers.etag) }
    expect((await api.ask('GET', url, { headers })).status).toBe(304)
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
    const empty = await api.ask('GET', '/openapi/v2', { headers: { accept } })
    expect(empty.headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
    expect(empty.text.startsWith('\n\u00032.0')).toBe(true)
    expect(Object.keys((await api.ask('GET', '/openapi/v2')).json.definitions)).toContain(
      'dev.knative.eventing.v1.Broker',
    )
  })
})

describe('refusals are a Status', () => {
  const json = { 'content-type': 'application/json' }
  const REFUSED = [
    ['GET', '/apis/none/v1/things', {}, 404, 'NotFound'],
    ['GET', '/api/v2', {}, 404, 'NotFound'],
    ['GET', `${BROKERS}/a/scale`, {}, 404, 'NotFound'],
    ['GET', '/apis/eventing.knative.dev/v1/brokers/a', {}, 404, 'NotFound'],
    ['POST', '/apis', {}, 405, 'MethodNotAllowed'],
    ['POST', `${BROKERS}/a`, {}, 405, 'MethodNotAllowed'],
    ['OPTIONS', BROKERS, {}, 405, 'MethodNotAllowed'],
    ['GET', BROKERS, { headers: { accept: 'text/html' } }, 406, 'NotAcceptable'],
    ['POST', BROKERS, { headers: json, payload: '{' }, 400, 'BadRequest'],
    ['POST', BROKERS, { headers: json, payload: Buffer.from([0x22, 0xff, 0x22]) }, 400, 'BadRequest'],
    ['POST', BROKERS, { headers: json, payload: '{"__proto__":{"a":1}}' }, 400, 'BadRequest'],
    ['POST', BROKERS, { headers: json, payload: `${'['.repeat(100_000)}${']'.repeat(100_000)}` }, 400, 'BadRequest'],
    ['POST', BROKERS, { headers: json, payload: 'null' }, 400, 'BadRequest'],
    ['POST', BROKERS, {}, 400, 'BadRequest'],
    ['POST', BROKERS, { headers: json, payload: 'x'.repeat(3 * 1024 * 1024 + 1) }, 413, 'RequestEntityTooLarge'],
    ['POST', BROKERS, { headers: { 'content-type': 'text/plain' }, payload: '{}' }, 415, 'UnsupportedMediaType'],
    [
      'POST',
      BROKERS,
      { headers: { 'content-type': 'application/merge-patch+json' }, payload: '{}' },
      415,
      'UnsupportedMediaType',
    ],
    ['PATCH', `${BROKERS}/a`, { headers: json, payload: '{}' }, 415, 'UnsupportedMediaType'],
    [
      'PATCH',
      `${BROKERS}/a`,
      { headers: { 'content-type': 'application/strategic-merge-patch+json' }, payload: '{}' },
      415,
      'UnsupportedMediaType',
    ],
    [
      'PATCH',
      `${BROKERS}/a`,
      { headers: { 'content-type': 'application/apply-patch+yaml' }, payload: '{}' },
      422,
      'Invalid',
    ],
    [
      'POST',
      BROKERS,
      { headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, payload: 'k8s' },
      400,
      'BadRequest',
    ],
    ['GET', `${BROKERS}?limit=-1`, {}, 400, 'BadRequest'],
    ['GET', `${BROKERS}?limit=many`, {}, 400, 'BadRequest'],
    ['GET', `${BROKERS}?continue=garbage`, {}, 400, 'BadRequest'],
    ['GET', `${BROKERS}?labelSelector=((`, {}, 400, 'BadRequest'],
    ['GET', `${BROKERS}?watch=true&sendInitialEvents=true`, {}, 422, 'Invalid'],
    ['GET', `${BROKERS}?watch=true&resourceVersion=x`, {}, 400, 'BadRequest'],
    ['POST', `${BROKERS}?dryRun=Some`, {}, 422, 'Invalid'],
    ['GET', `${BROKERS}/..%2f..%2fsecrets`, {}, 400, 'BadRequest'],
    ['GET', `${BROKERS}/a%00`, {}, 400, 'BadRequest'],
    ['DELETE', `${BROKERS}/a?propagationPolicy=Later`, {}, 422, 'Invalid'],
    ['DELETE', `${BROKERS}/a`, { payload: { kind: 'Broker' } }, 400, 'BadRequest'],
    ['DELETE', '/apis/eventing.knative.dev/v1/brokers', {}, 405, 'MethodNotAllowed'],
    [
      'DELETE',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/brokers.eventing.knative.dev',
      {},
      405,
      'MethodNotAllowed',
    ],
  ] as const

  const titled = REFUSED.map(([method, url, options, code, reason]) => {
    const shown = JSON.stringify(options).slice(0, 100)
    return [method, url, shown, code, reason, options] as const
  })
  test.each(titled)('%s %s %s is %d %s', async (method, url, _, code, reason, options) => {
    await using api = await setUp()
    const answer = await api.ask(method, url, options)
    expect(answer.json).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason })
    expect(answer.status).toBe(code)
    expect(answer.json.message).not.toBe('')
    expect(api.telemetry.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('every problem of an object is told at once, with its field', async () => {
    await using api = await setUp()
    const payload = object(BROKER, 'Not-A-Name', { spec: { delivery: { retry: -1 } } })
    const { json } = await api.ask('POST', BROKERS, { payload })
    const fields = json.details.causes.map((each: never) => Object(each).field)
    expect([json.code, fields.sort()]).toEqual([422, ['metadata.name', 'spec.delivery.retry']])
  })
})

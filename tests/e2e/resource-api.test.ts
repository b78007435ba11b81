import { expect, test } from '@jest/globals'
import { request } from 'undici'
import { startServedApi } from './resource-api/start.ts'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const configMap = (metadata: object) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata })

test('a web page on another origin, or under another name of this machine, writes and reads nothing', async () => {
  await using api = await startServedApi()
  const ask = async (method: 'POST' | 'GET' | 'OPTIONS', headers: Record<string, string>) => {
    const body = method === 'POST' ? configMap({ name: 'foreign' }) : null
    const answer = await request(`${api.url}${CONFIG_MAPS}`, { method, headers, body })
    await answer.body.dump()
    const cors = Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))
    return [answer.statusCode, ...cors]
  }
  const origin = 'https://evil.example'
  expect(await ask('POST', { origin, 'content-type': 'text/plain' })).toEqual([403])
  expect(await ask('POST', { origin, 'content-type': 'application/json' })).toEqual([403])
  expect(await ask('OPTIONS', { origin, 'access-control-request-method': 'POST' })).toEqual([403])
  expect(await ask('GET', { host: 'evil.example' })).toEqual([403])
  expect(await ask('GET', {})).toEqual([200])
  const stored = await request(`${api.url}${CONFIG_MAPS}/foreign`)
  expect(stored.statusCode).toBe(404)
  await stored.body.dump()
})

test('hostile bodies are answered one by one, and the API serves on', async () => {
  await using api = await startServedApi()
  const post = async (body: string | Buffer, type = 'application/json') => {
    const answer = await request(`${api.url}${CONFIG_MAPS}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    const { kind, code } = (await answer.body.json()) as { kind: string; code?: number }
    return [answer.statusCode, kind, code ?? answer.statusCode]
  }
  const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`label-${n}`, 'x']))
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefghi'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`
  expect((await post(configMap({ name: 'labelled', labels })))[1]).toMatch(/ConfigMap|Status/)
  expect(await post(deep)).toEqual([400, 'Status', 400])
  expect(await post(bomb, 'application/yaml')).toEqual([400, 'Status', 400])
  expect(await post('{"__proto__":{"polluted":true}}')).toEqual([400, 'Status', 400])
  expect(await post(Buffer.from([0xc3, 0x28]))).toEqual([400, 'Status', 400])
  expect(await post(configMap({ name: '../../secrets' }))).toEqual([422, 'Status', 422])
  expect(await post(configMap({ name: 'a', annotations: { big: 'x'.repeat(300_000) } }))).toEqual([422, 'Status', 422])
  expect(await post(configMap({ name: 'fine' }))).toEqual([201, 'ConfigMap', 201])
})

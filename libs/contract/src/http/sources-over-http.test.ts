import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { request } from 'undici'
import { fakeSecrets, observe } from '../../test/desk-world.ts'
import { github } from '../../test/source-rows.ts'
import { openSourceOffice } from '../sources/office/source-office.ts'
import { createContractStore } from '../store.ts'
import { requirePrivate } from './authentication.ts'
import { createContractService } from './contract-service.ts'
import { openSourceDesk } from './open-source-desk.ts'
import { serveContract } from './serve-contract.ts'
import { serverEvents } from './server-events.ts'

const TOKEN = 'a-token'
const REFERENCE = { namespace: 'shop', name: 'github', key: 'token' }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sources-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function serving() {
  const [clock, telemetry, secrets] = [systemClock, createTestTelemetry(), fakeSecrets()]
  const store = await createContractStore({ clock, telemetry })
  const sources = await openSourceOffice({ store, clock, telemetry, path: ':memory:', secrets: secrets.reader })
  const events = serverEvents(telemetry)
  const service = createContractService({ store, sources, clock, telemetry, events, expected: [] })
  const server = await serveContract({ service, host: '127.0.0.1', port: 0, token: TOKEN, clock, events })
  const config = { contract: server.url, contractToken: TOKEN, dataDir: folder, replica: 'g1' }
  const desk = await openSourceDesk({
    ...{ role: 'source-github', clock, telemetry: createTestTelemetry() },
    config: { ...config, contractTokenFile: undefined, contractCa: undefined },
  })
  return {
    ...{ store, sources, secrets, telemetry, url: server.url, desk, seen: observe(desk) },
    async [Symbol.asyncDispose]() {
      await desk[Symbol.asyncDispose]()
      service[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
      await sources[Symbol.asyncDispose]()
    },
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let look = 0; look < 800 && !holds(); look += 1) await new Promise((next) => setTimeout(next, 5))
  expect(holds()).toBe(true)
}

const post = async (url: string, body: unknown, token = TOKEN) => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const answer = await request(`${url}/contract/v1/sources`, { method: 'POST', headers, body: JSON.stringify(body) })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: (await answer.body.json()) as Record<string, unknown>,
  }
}

describe('sources over HTTP', () => {
  test('a row is held, keeps state, gets its Secret and is reported; none of it is asked of anybody but the server', async () => {
    await using world = await serving()
    const { store, secrets, seen, sources, telemetry } = world
    secrets.set(REFERENCE, 's3cret')
    await store.change({ put: { sources: [github('u', REFERENCE)] }, removed: {} })
    await until(() => seen.held.has('u'))
    const held = seen.held.get('u')
    await held?.state.put({ a: 'ä\u0000"', b: 'x'.repeat(60_000) })
    expect(await held?.state.get('a')).toBe('ä\u0000"')
    expect(await held?.state.get('none')).toBeUndefined()
    expect((await held?.state.list('', 1, 'a'))?.map(([key]) => key)).toEqual(['b'])
    expect(await held?.secret('secretToken')).toBe('s3cret')
    expect(await held?.remember('d', '1', 1_000)).toBe('1')
    await held?.report({ conditions: { Deployed: { status: 'True' } } })
    expect(sources.standing('u')).toMatchObject({ holder: 'g1', isAcknowledged: true, isMissing: false })
    await expect(held?.secret('accessToken')).rejects.toMatchObject({
      detail: { code: 'SOURCE_SECRET_MISSING', source: 'shop/u', secret: 'accessToken' },
    })
    await expect(held?.state.put({ k: 'x'.repeat(70_000) })).rejects.toMatchObject({
      detail: { code: 'CONTRACT_REQUEST_INVALID' },
    })
    expect(JSON.stringify([store.contract(), telemetry.lines])).not.toContain('s3cret')
  })

  test('what is refused is a problem with its code; whoever has no token, or no lease, gets nothing', async () => {
    await using world = await serving()
    const ask = { say: 'ask', instance: 'nobody', question: { op: 'secret', uid: 'u', name: 'secretToken' } }
    expect(await post(world.url, ask, 'wrong')).toMatchObject({ status: 401 })
    const refused = await post(world.url, ask)
    expect([refused.status, refused.headers['content-type'], refused.body.code]).toEqual([
      ...[410, expect.stringContaining('application/problem+json'), 'CONTRACT_LEASE_UNKNOWN'],
    ])
    const unknown = await post(world.url, { say: 'steal', instance: 'i' })
    expect([unknown.status, unknown.body.code]).toEqual([400, 'CONTRACT_REQUEST_INVALID'])
  })

  test('a file can not say who runs a source', async () => {
    const config = { contract: 'contract.json', dataDir: folder, replica: 'g1' }
    await expect(
      openSourceDesk({
        ...{ role: 'source-github', clock: systemClock, telemetry: createTestTelemetry() },
        config: { ...config, contractToken: undefined, contractTokenFile: undefined, contractCa: undefined },
      }),
    ).rejects.toThrow('SLUICE_CONTRACT: is a file')
  })
})

test('values of Secrets go over TLS or stay on this machine', () => {
  for (const from of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(() => requirePrivate(from, false)).not.toThrow()
  expect(() => requirePrivate('10.0.0.7', true)).not.toThrow()
  expect(() => requirePrivate('10.0.0.7', false)).toThrow('CONTROLLER_CERT')
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { clusterTransport } from './cluster-transport.ts'

async function kubeconfig(stack: AsyncDisposableStack, cluster: object, user: object = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const path = join(folder, 'kubeconfig')
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  }
  await writeFile(path, JSON.stringify(config))
  return path
}

async function serve(stack: AsyncDisposableStack) {
  const seen: unknown[] = []
  const server = createServer(({ method, url, headers }, response) => {
    seen.push([method, url, headers.authorization])
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return { seen, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('the cluster of a kubeconfig', () => {
  test('is asked with the token of its user', async () => {
    await using stack = new AsyncDisposableStack()
    const { seen, server } = await serve(stack)
    const cluster = stack.use(await clusterTransport(await kubeconfig(stack, { server }, { token: 'secret' })))
    const answer = await cluster.transport('/api/v1/namespaces', { method: 'GET', headers: { accept: 'x/y' } })
    expect([answer.status, await answer.json(), cluster.server]).toEqual([200, {}, server])
    const elsewhere = await kubeconfig(stack, { server: 'http://127.0.0.1:1' }, { token: 'secret' })
    const moved = stack.use(await clusterTransport(elsewhere, server))
    await moved.transport('/api/v1/namespaces', { method: 'GET' })
    expect(seen.pop()).toEqual(seen[0])
    expect(seen).toEqual([['GET', '/api/v1/namespaces', 'Bearer secret']])
  })

  test('is asked with another token, and with nothing of its user, by who bears one', async () => {
    await using stack = new AsyncDisposableStack()
    const { seen, server } = await serve(stack)
    for (const user of [{ token: 'secret' }, { username: 'me', password: 'secret' }]) {
      const cluster = stack.use(await clusterTransport(await kubeconfig(stack, { server }, user)))
      const answer = await cluster.bearing(async () => 'other')('/api', { method: 'GET' })
      expect(answer.status).toBe(200)
    }
    expect(seen).toEqual([
      ['GET', '/api', 'Bearer other'],
      ['GET', '/api', 'Bearer other'],
    ])
  })

  test('what can not be read or is not supported is said before anything is asked', async () => {
    await using stack = new AsyncDisposableStack()
    const invalid = { detail: { code: 'CONFIG_INVALID' } }
    await expect(clusterTransport('/nowhere/kubeconfig')).rejects.toMatchObject(invalid)
    const proxied = await kubeconfig(stack, { server: 'https://a', 'proxy-url': 'http://b' })
    await expect(clusterTransport(proxied)).rejects.toMatchObject({
      detail: { problems: ['proxy-url of a kubeconfig is not supported: remove it'] },
    })
  })
})

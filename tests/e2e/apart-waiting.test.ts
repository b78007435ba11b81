import { expect, test } from '@jest/globals'
import { request } from 'undici'
import { broker } from './manifests.ts'
import { type Service, ServicesApart, until } from './services-apart.ts'

test('without a server: every service starts, is alive, and says in /readyz what it waits for', async () => {
  const dead = { CHANNEL_DRIVER: 'nats', NATS_URL: 'nats://127.0.0.1:9' }
  await using apart = new ServicesApart(dead, { 'all.yaml': broker() })
  const controller = await apart.controller()
  const [ingress, filter] = await Promise.all([
    apart.service('ingress', 'ingress', controller.url),
    apart.service('filter', 'filter', 'http://127.0.0.1:9'),
  ])
  expect((await controller.readyz()).status).toBe(200)
  await until('the contract', async () => {
    const { body } = await request(`${controller.controlUrl}/contract`)
    return ((await body.json()) as { replicas: unknown[] }).replicas.length === 1
  })
  const waits = async (service: Service, name: string) =>
    (await service.readyz()).body.checks.find((check) => check.name === name)?.reason
  await until('the ingress to name the server', async () =>
    /127\.0\.0\.1:9/.test((await waits(ingress, 'channel')) ?? ''),
  )
  await until('the filter to name the controller', async () =>
    /no contract yet: http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED/.test((await waits(filter, 'contract')) ?? ''),
  )
  expect((await filter.readyz()).status).toBe(503)
  for (const each of [controller, ingress, filter]) {
    await each.kill('SIGTERM')
    expect((await each.running.exit).code).toBe(0)
  }
}, 30_000)

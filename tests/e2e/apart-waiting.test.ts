import { expect, test } from '@jest/globals'
import { provisionNats, type Service, ServicesApart, startNats, until } from '@sluice/testkit'
import { request } from 'undici'
import { broker } from './manifests.ts'

test('without a server: every service starts, is alive, and says in /readyz what it waits for', async () => {
  const dead = { CHANNEL_DRIVER: 'nats', NATS_URL: 'nats://127.0.0.1:9' }
  await using apart = new ServicesApart({ env: dead, manifests: { 'all.yaml': broker() } })
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

const provisioned = await provisionNats()
const ownServer = provisioned.found?.kind === 'program' ? test : test.skip

ownServer(
  `a password that is wrong is named in /readyz as the cause, and shown nowhere (${provisioned.report})`,
  async () => {
    await using server = await startNats(provisioned, 'authorization { user: sluice, password: "rightsecret" }')
    const login = { NATS_USER: 'sluice', NATS_PASSWORD: 'wrongsecret' }
    await using apart = new ServicesApart({
      env: { CHANNEL_DRIVER: 'nats', NATS_URL: server?.url ?? '', ...login },
      manifests: {},
    })
    const ingress = await apart.service('ingress', 'ingress', 'http://127.0.0.1:9')
    const { status, body } = await ingress.readyz()
    expect(status).toBe(503)
    const channel = body.checks.find(({ name }) => name === 'channel')
    expect(channel).toMatchObject({ ready: false, reason: expect.stringMatching(/authorization violation/i) })
    for (const text of [JSON.stringify(body), ingress.running.stderr()]) expect(text).not.toMatch(/(right|wrong)secret/)
  },
  30_000,
)

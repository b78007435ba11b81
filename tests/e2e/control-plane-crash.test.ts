import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import { type Contract, contractCopy } from '@sluice/contract'
import {
  judge,
  posting,
  provisionNats,
  type Service,
  ServicesApart,
  startNats,
  startSink,
  until,
} from '@sluice/testkit'
import { Pool, request } from 'undici'
import { broker, trigger } from './manifests.ts'

// Several processes, and a thousand objects
jest.setTimeout(90_000)

const OBJECTS = 1_000
const KILLED_AFTER = 400
const CONNECTIONS = 16
const READY_MS = 30_000
const TRIGGERS = '/apis/eventing.knative.dev/v1/namespaces/default/triggers'

const provisioned = await provisionNats()
process.stdout.write(`${provisioned.report}\n`)
const server = await startNats(provisioned)
afterAll(async () => server?.[Symbol.asyncDispose]())
const onNats = server === undefined ? test.skip : test

interface Listed {
  readonly metadata: { readonly name: string; readonly uid: string }
}

/** Server-side applies of triggers t0 … t999 by 16 connections; the uids of those that were answered, by name. */
async function applyAll(controller: Service, answered: Map<string, string>, each = () => {}): Promise<void> {
  await using pool = Object.assign(new Pool(controller.controlUrl, { connections: CONNECTIONS }), {
    [Symbol.asyncDispose]: () => pool.destroy(),
  })
  let next = 0
  const one = async () => {
    for (let n = next++; n < OBJECTS; n = next++) {
      const name = `t${n}`
      const spec = {
        broker: 'default',
        filter: { attributes: { type: name } },
        subscriber: { uri: 'http://127.0.0.1:9' },
      }
      const object = { apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger', metadata: { name }, spec }
      const { statusCode, body } = await pool.request({
        ...{ method: 'PATCH', path: `${TRIGGERS}/${name}?fieldManager=crash` },
        ...{ headers: { 'content-type': 'application/apply-patch+yaml' }, body: JSON.stringify(object) },
      })
      const { metadata } = (await body.json()) as Listed
      if (statusCode > 201) throw new Error(`${name}: ${statusCode}`)
      answered.set(name, metadata.uid)
      each()
    }
  }
  await Promise.allSettled(Array.from({ length: CONNECTIONS }, one))
}

async function listed({ controlUrl }: Service): Promise<Map<string, string>> {
  const { body } = await request(`${controlUrl}${TRIGGERS}`)
  const { items } = (await body.json()) as { items: Listed[] }
  expect(new Set(items.map(({ metadata }) => metadata.name)).size).toBe(items.length)
  return new Map(items.map(({ metadata }) => [metadata.name, metadata.uid]))
}

onNats(
  'a controller killed during 1,000 applies loses nothing that was answered, makes nothing twice, and events go on',
  async () => {
    await using sink = await startSink()
    const folder = mkdtempSync(join(tmpdir(), 'sluice-crash-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rmSync(folder, { recursive: true, force: true }))
    const apart = stack.use(
      new ServicesApart({
        ...{ folder, readyMs: READY_MS },
        env: { CHANNEL_DRIVER: 'nats', NATS_URL: server?.url ?? '', NATS_PREFIX: `crash-${process.pid}` },
        manifests: { 'all.yaml': broker() + trigger('kept', { uri: sink.url, attributes: { type: 'kept' } }) },
      }),
    )
    const controller = await apart.controller()
    const ingress = await apart.service('ingress', 'ingress-1', controller.url)
    await apart.service('filter-dispatcher', 'filter-1', controller.url)
    await apart.allReady(controller)

    const sent: string[] = []
    const refused: number[] = []
    let isOver = false
    const producing = (async () => {
      while (!isOver) {
        const { headers, body, id } = posting(`e${sent.length + refused.length}`, { type: 'kept' })
        const answer = await request(`${ingress.url.replace(/\/$/, '')}/default/default`, {
          method: 'POST',
          headers,
          body,
        })
        await answer.body.dump()
        if (answer.statusCode === 202) sent.push(id)
        else refused.push(answer.statusCode)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()

    const before = new Map<string, string>()
    let count = 0
    await applyAll(controller, before, () => {
      count += 1
      if (count === KILLED_AFTER) controller.running.kill('SIGKILL')
    })
    await controller.running.exit
    expect(before.size).toBeGreaterThanOrEqual(KILLED_AFTER)
    expect(before.size).toBeLessThan(OBJECTS)

    const again = await apart.controller(new URL(controller.url).port)
    const found = await listed(again)
    for (const [name, uid] of before) expect([name, found.get(name)]).toEqual([name, uid])
    const after = new Map<string, string>()
    await applyAll(again, after)
    expect(after.size).toBe(OBJECTS)
    for (const [name, uid] of found) if (name !== 'kept') expect([name, after.get(name)]).toEqual([name, uid])
    await apart.allReady(again)
    isOver = true
    await producing
    expect(refused).toEqual([])
    await sink.until(
      'every event',
      () => judge({ sent, received: sink.requests.map(({ id }) => id) }).missing.length === 0,
    )

    const last = await listed(again)
    expect(last.size).toBe(OBJECTS + 1)
    await again.kill('SIGKILL')
    const held = (await contractCopy(join(folder, 'controller', 'contract.json')).load()).value as Contract
    for (const rows of [held.routes, held.deliveries])
      expect(rows.map(({ uid }) => uid).toSorted()).toEqual([...last.values()].toSorted())
    await until('the ingress to be ready still', async () => (await ingress.readyz()).status === 200)
  },
)

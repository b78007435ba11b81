import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import {
  contractCopy,
  createContractStore,
  createSourceDesk,
  inProcessLine,
  openSourceOffice,
  type SourceReport,
  type SourceRow,
} from '@sluice/contract'
import type { ApiObject } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createSecrets, fixedAddresses, overChanges, startControlPlane } from '../src/index.ts'
import { served, until } from './cluster.ts'
import { broker, source } from './objects.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-desk-'))
})
afterEach(() => rm(folder, { recursive: true }))

const WELL: SourceReport = {
  conditions: { Deployed: { status: 'True' }, WebhookConfigured: { status: 'True' } },
}

/** Control plane and desk as one process has them; `serve` is a service of GitHubSources. */
async function start(stack: AsyncDisposableStack) {
  const telemetry = createTestTelemetry()
  const clock = systemClock
  const store = await createContractStore({ clock, telemetry, copy: contractCopy(join(folder, 'contract.json')) })
  stack.use(store.watch('ingress', () => {}))
  const secrets = createSecrets()
  const office = stack.use(
    await openSourceOffice({ store, clock, telemetry, path: join(folder, 'sources.db'), settleMs: 0, secrets }),
  )
  const serve = (work: (row: SourceRow, secret: (name: string) => Promise<string>) => Promise<SourceReport>) => {
    const role = 'source-github'
    const line = inProcessLine({ office, store, role })
    const desk = stack.use(createSourceDesk({ role, contract: store, line, clock, telemetry }))
    stack.use(
      desk.hold(async (held) => {
        await held.report(await work(held.row, held.secret))
        return { [Symbol.asyncDispose]: async () => {} }
      }),
    )
  }
  const begin = async () =>
    stack.use(
      await startControlPlane({
        ...{ clock, telemetry, store: overChanges(store), services: {}, secrets, standings: office },
        ...{ path: join(folder, 'resources.db'), backlogMaxBytes: 1000, parkedRetentionMs: 1000 },
        ...{ addresses: fixedAddresses('http://127.0.0.1:8080/'), retention: { maxAgeMs: 1000, maxBytes: 1000 } },
        drivers: { default: 'embedded', has: (name) => name === 'embedded', fix: (name) => name },
      }),
    )
  return { serve, begin, store }
}

type Control = Awaited<ReturnType<Awaited<ReturnType<typeof start>>['begin']>>
const KEY = { namespace: 'default', name: 's' }
const get = ({ registry }: Control) => registry.get(served('GitHubSource'), KEY)
const readyOf = (control: Control) => {
  const { conditions = [] } = (get(control).status ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.find(({ type }) => type === 'Ready')?.status
}
const create = ({ registry }: Control, object: ApiObject) =>
  registry.create(served(object.kind), 'default', object, { fieldManager: 'test' })

describe('a source between control plane and desk', () => {
  test('is Ready once its service runs it, with the Secrets that it names, and says so of the row as it is', async () => {
    await using stack = new AsyncDisposableStack()
    const { serve, begin } = await start(stack)
    const control = await begin()
    await create(control, broker())
    await create(control, source('GitHubSource', 's'))
    await until(() => readyOf(control) === 'False')
    const data = { access: Buffer.from('token').toString('base64'), secret: Buffer.from('hmac').toString('base64') }
    await create(control, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'github' }, data } as never)
    const read: string[] = []
    serve(async (_, secret) => {
      read.push(await secret('accessToken'), await secret('secretToken'))
      return WELL
    })
    await until(() => readyOf(control) === 'True')
    expect(read).toEqual(['token', 'hmac'])
  })

  test('that is deleted goes once its service says that the webhook is gone', async () => {
    await using stack = new AsyncDisposableStack()
    const { serve, begin, store } = await start(stack)
    const control = await begin()
    const removals: boolean[] = []
    serve(async (row) => {
      const { ending = false } = row as { ending?: boolean }
      removals.push(ending)
      return { ...WELL, ...(ending && { facts: { webhookRemoved: 'true' } }) }
    })
    await create(control, broker())
    await create(control, source('GitHubSource', 's'))
    await until(() => readyOf(control) === 'True')
    await control.registry.delete(served('GitHubSource'), KEY, {})
    const isThere = () => control.registry.list(served('GitHubSource'), {}).items.length > 0
    await until(() => !isThere())
    await until(() => store.contract().sources.length === 0)
    expect(removals).toEqual([false, true])
  })

  test('stays as it was through a restart, nothing written', async () => {
    let before: ApiObject | undefined
    {
      await using stack = new AsyncDisposableStack()
      const { serve, begin } = await start(stack)
      // stops last, so that nobody sees that it is gone
      serve(async () => WELL)
      const control = await begin()
      await create(control, broker())
      await create(control, source('GitHubSource', 's'))
      await until(() => readyOf(control) === 'True')
      await control.settled()
      before = get(control)
    }
    await using stack = new AsyncDisposableStack()
    const { serve, begin } = await start(stack)
    serve(async () => WELL)
    const control = await begin()
    await control.settled()
    expect(get(control)).toEqual(before)
  })
})

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { posting, startSink } from '@sluice/testkit'
import { install, ROOT } from './installation.ts'
import { broker, trigger } from './manifests.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'))
const elsewhere = join(folder, 'elsewhere')
const main = join(folder, 'app', 'main.mjs')

// Node resolves nothing from here: neither sources nor installed packages are above this folder.
beforeAll(() => {
  mkdirSync(elsewhere)
  const made = spawnSync(process.execPath, ['tools/bundle.mjs', 'apps/standalone', join(folder, 'app')], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect([made.status, made.stderr]).toEqual([0, ''])
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the bundle of standalone, away from the repository', () => {
  test('stores an event before its 202: killed outright and started again, it delivers', async () => {
    let status = 503
    await using sink = await startSink({ respond: () => status })
    const delivery = { retry: 5, backoffPolicy: 'linear', backoffDelay: 'PT1S' }
    const manifests = { 'all.yaml': broker() + trigger('one', { uri: sink.url, delivery }) }
    await using sluice = await install({ manifests, main, cwd: elsewhere })
    expect((await sluice.post(posting('1'))).status).toBe(202)
    await sink.received(1)
    sluice.running.kill('SIGKILL')
    await sluice.running.exit
    status = 204
    await sluice.restart()
    const again = await sink.find('the event after the restart', ({ n }) => n > 1)
    expect(again.id).toBe('1')
  })

  test('brings the quickstart along: an event shows up on its screen', async () => {
    await using sluice = await install({ main, cwd: elsewhere })
    expect((await sluice.post(posting('shown'))).status).toBe(202)
    await sluice.running.printed(/cloudevents\.Event\n(?:.*\n){1,5}?\s+id: shown/)
    sluice.running.kill('SIGTERM')
    expect(await sluice.running.exit).toEqual({ code: 0, signal: null })
  })

  test('brings the client of Kafka along, which says that nobody is there', async () => {
    const env = { CHANNEL_DRIVER: 'kafka', KAFKA_BROKERS: '127.0.0.1:1' }
    await using sluice = await install({ main, cwd: elsewhere, env, manifests: {} })
    const { status, text } = await sluice.get(`http://127.0.0.1:${sluice.env.CONTROL_PORT}/readyz`)
    expect([status, text]).toEqual([503, expect.stringContaining('ECONNREFUSED')])
  })
})

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { judge, posting, runToExit, startSink } from '@sluice/testkit'
import { install, ROOT, STANDALONE } from './installation.ts'
import { broker, trigger } from './manifests.ts'

describe('manifests', () => {
  test('an edit takes effect within a second, without a restart, and the other trigger misses nothing', async () => {
    await using sink = await startSink()
    const to = (path: string) => trigger('edited', { uri: sink.url + path })
    await using sluice = await install({
      manifests: {
        'broker.yaml': broker(),
        'edited.yaml': to('/old'),
        'other.yaml': trigger('other', { uri: `${sink.url}/other` }),
      },
    })
    const { pid } = sluice.running
    await sluice.post(posting('before'))
    await sink.find('the event at the old address', ({ path }) => path === '/old')

    sluice.write('edited.yaml', to('/new'))
    const edited = performance.now()
    const sent = ['before']
    let isThere = false
    void sink
      .find('an event at the new address', ({ path }) => path === '/new')
      .then(
        () => {
          isThere = true
        },
        () => {},
      )
    while (!isThere && performance.now() - edited < 3_000) {
      const id = `after-${sent.length}`
      sent.push(id)
      expect((await sluice.post(posting(id))).status).toBe(202)
      await wait(20)
    }
    const first = await sink.find('an event at the new address', ({ path }) => path === '/new')
    expect(first.at - edited).toBeLessThan(1_000)

    const others = () => sink.requests.filter(({ path }) => path === '/other').map(({ id }) => id)
    await sink.until('everything at the other trigger', () => judge({ sent, received: others() }).missing.length === 0)
    expect(judge({ sent, received: others() })).toMatchObject({ missing: [], repeats: 0, surplus: [] })
    expect(sluice.running.pid).toBe(pid)
  })

  test('a manifest that turns invalid is reported with its place, the last good rows stay, and so does readiness', async () => {
    await using sink = await startSink()
    const good = trigger('one', { uri: sink.url })
    await using sluice = await install({ manifests: { 'broker.yaml': broker(), 'one.yaml': good } })
    sluice.write('one.yaml', good.replace('subscriber:', 'subscribr:'))
    const place = /one\.yaml:\d+:\d+/
    const output = () => sluice.running.stdout() + sluice.running.stderr()
    for (let look = 0; look < 150 && !place.test(output()); look += 1) await wait(20)
    expect(output()).toMatch(place)
    expect((await sluice.post(posting('still'))).status).toBe(202)
    expect((await sink.received(1))[0]?.id).toBe('still')

    const readyz = await sluice.get(`${sluice.running.urls.control}/readyz`)
    expect(readyz.status).toBe(200)
    expect(JSON.parse(readyz.text)).toMatchObject({
      ready: true,
      warnings: [{ name: 'manifests', reason: expect.stringMatching(place) }],
    })
    const metrics = await sluice.get(sluice.running.urls.metrics ?? '')
    expect(metrics.text).toMatch(/^manifests_problems(\{.*\})? [1-9]/m)
  })

  test('bad manifests at the start: exit 78, every problem at once as file:line:col, no stack', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bad-'))
    const manifests = join(folder, 'manifests')
    mkdirSync(manifests)
    writeFileSync(join(manifests, 'a.yaml'), `${broker()}---\nkind: [unclosed\n`)
    writeFileSync(join(manifests, 'b.yaml'), trigger('one', { uri: 'http://127.0.0.1:1' }).replace('broker:', 'brokr:'))
    const env = { INGRESS_PORT: '0', CONTROL_PORT: '0', METRICS_PORT: '0', SLUICE_MANIFESTS: manifests }
    const data = { SLUICE_DATA_DIR: join(folder, 'data') }
    const ended = await runToExit(STANDALONE, { env: { ...env, ...data }, cwd: ROOT })
    rmSync(folder, { recursive: true })
    const output = ended.stdout + ended.stderr
    expect(ended.code).toBe(78)
    expect(output).toMatch(/a\.yaml:\d+:\d+/)
    expect(output).toMatch(/b\.yaml:\d+:\d+: .*brokr/)
    expect(output).not.toMatch(/\n\s+at /)
  })
})

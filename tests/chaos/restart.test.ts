import { describe, expect, test } from '@jest/globals'
import { posting, runToExit, startSink } from '@sluice/testkit'
import { install, ROOT, STANDALONE } from '../e2e/installation.ts'
import { broker, trigger } from '../e2e/manifests.ts'

describe('stop and start', () => {
  test('SIGTERM lets deliveries under way end, exits 0, and none of them is made again', async () => {
    await using sink = await startSink({ respond: () => ({ status: 204, delayMs: 300 }) })
    await using sluice = await install({ manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) } })
    for (const id of ['a', 'b', 'c']) expect((await sluice.post(posting(id))).status).toBe(202)
    await sink.received(3)
    sluice.running.kill('SIGTERM')
    expect(await sluice.running.exit).toEqual({ code: 0, signal: null })
    await sluice.restart()
    await sluice.post(posting('after'))
    await sink.find('the event after', ({ id }) => id === 'after')
    expect(sink.requests.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'after'])
  })

  test('ING-27 accepted and undelivered survives SIGKILL: it is delivered by the next process', async () => {
    let isStuck = true
    await using sink = await startSink({ respond: () => (isStuck ? 'hang' : 204) })
    await using sluice = await install({ manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) } })
    const ids = Array.from({ length: 300 }, (_, n) => `e${n}`)
    for (const id of ids) expect((await sluice.post(posting(id))).status).toBe(202)
    sluice.running.kill('SIGKILL')
    await sluice.running.exit
    isStuck = false
    const before = sink.count
    await sluice.restart()
    const delivered = () => new Set(sink.requests.slice(before).map(({ id }) => id))
    await sink.until('all of them', () => delivered().size === ids.length)
    expect([...delivered()].toSorted()).toEqual(ids.toSorted())
  })

  test('a second instance on the same data directory is refused by name, and the first goes on', async () => {
    await using sink = await startSink()
    await using sluice = await install({ manifests: { 'all.yaml': broker() + trigger('one', { uri: sink.url }) } })
    const env = { ...sluice.env, INGRESS_PORT: '0', CONTROL_PORT: '0', METRICS_PORT: '0' }
    const second = await runToExit(STANDALONE, { env, cwd: ROOT })
    expect(second.code).not.toBe(0)
    expect(second.signal).toBe(null)
    expect(second.stdout + second.stderr).toContain(sluice.env.SLUICE_DATA_DIR)
    expect(second.stdout + second.stderr).not.toMatch(/\n\s+at /)
    expect((await sluice.post(posting('still here'.replace(' ', '-')))).status).toBe(202)
    expect((await sink.received(1)).length).toBe(1)
  })
})

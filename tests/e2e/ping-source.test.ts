import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { type SinkRequest, startSink, until } from '@sluice/testkit'
import { install } from './installation.ts'
import { missingTicks, secondOf, ticking } from './ticks.ts'

test('SRC-03, SRC-05: a PingSource of standalone ticks into any sink; an outage of that, with a kill -9 in the middle, loses no tick', async () => {
  const taken: SinkRequest[] = []
  let isAway = false
  await using sink = await startSink({
    respond(request) {
      if (!isAway) taken.push(request)
      return isAway ? 503 : 204
    },
  })
  await using sluice = await install({ manifests: { 'tick.yaml': ticking('tick', sink.url) } })
  await until('two ticks', async () => taken.length >= 2)
  const [first] = taken
  expect(first?.headers).toMatchObject({
    ...{ 'ce-type': 'dev.knative.sources.ping', 'ce-source': '/apis/v1/namespaces/shop/pingsources/tick' },
    ...{ 'ce-team': 'blue', 'content-type': 'application/json', 'ce-specversion': '1.0' },
  })
  expect(first?.body.toString()).toBe('{"hello":"world"}')
  expect(first?.id).toMatch(new RegExp(`^[0-9a-f-]{36}/${first?.headers['ce-time']}$`))

  const ready = async () => {
    const path = '/apis/sources.knative.dev/v1/namespaces/shop/pingsources/tick'
    const { status } = JSON.parse((await sluice.get(`http://127.0.0.1:${sluice.env.CONTROL_PORT}${path}`)).text)
    return status?.conditions?.find(({ type }: { type: string }) => type === 'Ready')
  }
  await until('the source is Ready', async () => (await ready())?.status === 'True')
  const readyBefore = await ready()

  isAway = true
  const refusedBefore = sink.count
  await until('a tick that is refused', async () => sink.count > refusedBefore)
  sluice.running.kill('SIGKILL')
  await sluice.running.exit
  const killedAt = Date.now() / 1_000
  isAway = false
  await wait(300)
  await sluice.restart()
  await until(
    'ticks of after the restart',
    async () => taken.filter((each) => secondOf(each) > killedAt + 1).length >= 2,
  )
  expect(await ready()).toEqual(readyBefore)
  await until('the ticks of before', async () => missingTicks(taken).length === 0)
  expect(new Set(taken.map(({ headers }) => `${headers['ce-id']} ${headers['ce-time']}`)).size).toBe(
    new Set(taken.map(({ id }) => id)).size,
  )
})

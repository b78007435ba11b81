import { expect, jest, test } from '@jest/globals'
import { Agent, request } from 'undici'
import { type Installation, install } from './installation.ts'

// A process is started four times
jest.setTimeout(60_000)

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const RESTARTS = 3
const NAMES = 7

interface Told {
  readonly type: string
  readonly object: { readonly metadata: { readonly name: string; readonly resourceVersion: string } }
}
const controlOf = ({ running }: Installation) => (running.urls.control ?? '').replace(/\/$/, '')

test('a watch held through kills and restarts goes on from its resourceVersion: no change is missed or told twice', async () => {
  await using sluice = await install({ manifests: {}, readyTimeoutMs: 20_000 })
  const answered: string[] = []
  const told: Told[] = []
  const list = await request(`${controlOf(sluice)}${CONFIG_MAPS}`)
  let rv = ((await list.body.json()) as { metadata: { resourceVersion: string } }).metadata.resourceVersion

  /** Reads until the connection breaks. */
  async function watch(agent: Agent): Promise<void> {
    const url = `${controlOf(sluice)}${CONFIG_MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=${rv}`
    const { body, statusCode } = await request(url, { dispatcher: agent })
    expect(statusCode).toBe(200)
    let rest = ''
    for await (const part of body.setEncoding('utf8')) {
      const lines = (rest + part).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const event = JSON.parse(line) as Told
        rv = event.object.metadata.resourceVersion
        if (event.type !== 'BOOKMARK') told.push(event)
      }
    }
  }

  /** Writes one after another until the process is gone. */
  async function write(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const name = `c${answered.length % NAMES}`
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { n: String(answered.length) } }
      const { body, statusCode } = await request(`${controlOf(sluice)}${CONFIG_MAPS}/${name}?fieldManager=w`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify(object),
      })
      const { metadata } = (await body.json()) as Told['object']
      expect(statusCode).toBeLessThan(300)
      answered.push(metadata.resourceVersion)
    }
  }

  for (let round = 0; round <= RESTARTS; round += 1) {
    await using agent = Object.assign(new Agent({ bodyTimeout: 0 }), {
      [Symbol.asyncDispose]: () => agent.destroy(),
    })
    // what was written while nobody watched is told after
    await write(5)
    const watching = watch(agent).catch(() => {})
    await write(15)
    const writing = write(100_000).catch(() => {})
    const enough = answered.length + 40
    while (answered.length < enough) await new Promise((resolve) => setTimeout(resolve, 1))
    sluice.running.kill('SIGKILL')
    await Promise.all([watching, writing, sluice.running.exit])
    await sluice.restart()
  }
  await using agent = Object.assign(new Agent({ bodyTimeout: 0 }), { [Symbol.asyncDispose]: () => agent.destroy() })
  const watching = watch(agent).catch(() => {})
  await write(1)
  while (told.at(-1)?.object.metadata.resourceVersion !== answered.at(-1))
    await new Promise((resolve) => setTimeout(resolve, 5))
  await agent.destroy()
  await watching

  const versions = told.map(({ object }) => Number(object.metadata.resourceVersion))
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
  expect(answered.filter((version) => !versions.includes(Number(version)))).toEqual([])
  // beyond what was answered at most the one write that each kill cut off
  expect(versions.length - answered.length).toBeLessThanOrEqual(RESTARTS + 1)
  expect(told.filter(({ type }) => type === 'ADDED')).toHaveLength(NAMES)
})

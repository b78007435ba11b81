import { describe, expect, test } from '@jest/globals'
import type { GitHubSourceRow } from '@sluice/contract'
import { ROW, SECRET, startBench } from '../../test/bench.ts'
import { type KeptHook, startGitHubApi } from '../../test/github-api.ts'
import { LOOK_MS } from './keep-hook.ts'

const REPO = '/repos/Codertocat/Hello-World/hooks'
const URL_ = ROW.publicUrl as string
const TRIES = 400

const hookOf = (over: Partial<KeptHook> = {}): KeptHook => ({
  ...{ id: 77, active: true, events: ['push', 'issues'] },
  config: { url: URL_, content_type: 'json', insecure_ssl: '0' },
  ...over,
})

/** Steps the virtual clock while real requests are under way. */
async function until(clock: { advance(ms: number): Promise<void> }, isMet: () => boolean, stepMs = 0): Promise<void> {
  for (let tries = 0; tries < TRIES && !isMet(); tries++) {
    await clock.advance(stepMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(isMet()).toBe(true)
}

async function managed(row: Partial<GitHubSourceRow> = {}, hooks: Record<string, KeptHook[]> = { [REPO]: [] }) {
  const api = await startGitHubApi()
  for (const [place, list] of Object.entries(hooks)) api.hooks.set(place, list)
  const given = { eventTypes: ['push', 'issues'], webhook: 'managed', apiUrl: api.url, ...row } as const
  const bench = await startBench(given)
  const condition = () => bench.desk.reports('u1').at(-1)?.conditions.WebhookConfigured
  const isMet = () => condition()?.status === 'True'
  const put = (over: Partial<GitHubSourceRow>) => bench.desk.put({ ...ROW, ...given, ...over })
  return {
    ...{ api, bench, condition, isMet, put, fact: (name: string) => bench.desk.reports('u1').at(-1)?.facts?.[name] },
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

describe('the webhook at GitHub', () => {
  test('is made as the source says, with its secret, and its id is told', async () => {
    await using world = await managed()
    await until(world.bench.clock, world.isMet)
    expect(world.api.hooks.get(REPO)).toMatchObject([
      { active: true, events: ['push', 'issues'], config: { url: URL_, content_type: 'json', secret: SECRET } },
    ])
    expect(world.fact('webhookIDKey')).toBe('1')
    expect(world.api.calls.every(({ authorization }) => authorization === 'token ghp_token')).toBe(true)
  })

  test('of an organisation and of a whole server are in places of their own', async () => {
    for (const [row, place] of [
      [{ ownerAndRepository: 'octo/' }, '/orgs/octo/hooks'],
      [{ ownerAndRepository: 'octo', scope: 'enterprise' }, '/admin/hooks'],
    ] as const) {
      await using world = await managed(row, { [place]: [] })
      await until(world.bench.clock, world.isMet)
      expect(world.api.hooks.get(place)).toHaveLength(1)
    }
  })

  test('that is there already is found behind a hundred others by its URL, and made as it should be', async () => {
    const others = Array.from({ length: 120 }, (_, n) =>
      hookOf({ id: n + 100, config: { ...hookOf().config, url: `https://other/${n}` } }),
    )
    const found = hookOf({ events: ['watch'], active: false })
    await using world = await managed({}, { [REPO]: [...others, found] })
    await until(world.bench.clock, world.isMet)
    expect(world.api.hooks.get(REPO)).toHaveLength(121)
    expect(found).toMatchObject({ id: 77, active: true, events: ['push', 'issues'], config: { secret: SECRET } })
    expect(world.fact('webhookIDKey')).toBe('77')
  })

  test('is mended when somebody changed it, made anew when somebody deleted it, and else left alone', async () => {
    await using world = await managed()
    const { api, bench } = world
    await until(bench.clock, world.isMet)
    const changes = () => api.calls.filter(({ method }) => method !== 'GET').length
    const looks = () => api.calls.filter(({ method }) => method === 'GET').length
    await until(bench.clock, () => looks() === 2, LOOK_MS)
    expect(changes()).toBe(1)
    Object.assign(api.hooks.get(REPO)?.[0] as KeptHook, { active: false })
    await until(bench.clock, () => changes() === 2, LOOK_MS)
    expect(api.hooks.get(REPO)).toMatchObject([{ active: true }])
    api.hooks.get(REPO)?.splice(0)
    await until(bench.clock, () => api.hooks.get(REPO)?.length === 1, LOOK_MS)
    expect(changes()).toBe(3)
  })

  test('gets a new secret, and stays the same hook', async () => {
    await using world = await managed()
    await until(world.bench.clock, world.isMet)
    world.bench.desk.secrets.set('default/github/secret', 'a new one')
    await world.put({ hash: 'h2' })
    await until(world.bench.clock, () => world.api.hooks.get(REPO)?.[0]?.config.secret === 'a new one')
    expect(world.api.hooks.get(REPO)).toHaveLength(1)
  })

  test('goes from where its source no longer is', async () => {
    const there = '/orgs/octo/hooks'
    await using world = await managed({}, { [REPO]: [], [there]: [] })
    await until(world.bench.clock, world.isMet)
    await world.put({ hash: 'h2', ownerAndRepository: 'octo' })
    await until(world.bench.clock, () => world.api.hooks.get(there)?.length === 1)
    expect(world.api.hooks.get(REPO)).toEqual([])
  })

  test('goes with its source; one that is gone already is gone', async () => {
    for (const isThere of [true, false]) {
      await using world = await managed()
      await until(world.bench.clock, world.isMet)
      if (!isThere) world.api.hooks.get(REPO)?.splice(0)
      await world.put({ hash: 'h2', ending: true })
      await until(world.bench.clock, () => world.fact('webhookRemoved') === 'true')
      expect(world.api.hooks.get(REPO)).toEqual([])
    }
  })

  test.each([
    [401, { message: 'Bad credentials' }, 'AccessTokenRefused'],
    [403, { message: 'Resource not accessible by personal access token' }, 'AccessTokenNotPermitted'],
    [404, { message: 'Not Found' }, 'NotFound'],
    [422, { message: 'Validation Failed', errors: [{ message: 'url is not supported' }] }, 'Refused'],
    [502, {}, 'ApiUnavailable'],
  ])('that can not be had (%d) is a condition with the reason, and is tried again', async (status, body, reason) => {
    await using world = await managed()
    await until(world.bench.clock, world.isMet)
    world.api.instead = () => ({ status, body })
    await world.put({ hash: 'h2' })
    await until(world.bench.clock, () => world.condition()?.reason === reason)
    expect(world.condition()?.message).not.toMatch(/ghp_token|it is a secret/)
    world.api.instead = () => undefined
    await until(world.bench.clock, world.isMet, 1_000)
  })

  test('waits as long as GitHub asks for', async () => {
    await using world = await managed()
    await until(world.bench.clock, world.isMet)
    world.api.instead = () => ({ status: 403, headers: { 'retry-after': '300' } })
    await world.put({ hash: 'h2' })
    await until(world.bench.clock, () => world.condition()?.reason === 'RateLimited')
    const before = world.api.calls.length
    world.api.instead = () => undefined
    await world.bench.clock.advance(299_000)
    expect(world.api.calls).toHaveLength(before)
    await until(world.bench.clock, world.isMet, 30_000)
  })

  test('needs an address that GitHub reaches and a token: what is missing is said', async () => {
    await using nowhere = await managed()
    const { publicUrl, ...row } = ROW
    await nowhere.bench.desk.put({ ...row, uid: 'u3', webhook: 'managed', apiUrl: nowhere.api.url })
    await until(
      nowhere.bench.clock,
      () => nowhere.bench.desk.reports('u3').at(-1)?.conditions.WebhookConfigured?.reason === 'NoPublicUrl',
    )
    await using world = await managed()
    await until(world.bench.clock, world.isMet)
    world.bench.desk.secrets.delete('default/github/access')
    await world.put({ hash: 'h2' })
    await until(world.bench.clock, () => world.condition()?.reason === 'SecretMissing')
    expect(world.bench.desk.reports('u1').at(-1)?.conditions).toMatchObject({
      SecretsProvided: {
        status: 'False',
        reason: 'AccessTokenNotFound',
        message: expect.stringContaining('key access'),
      },
    })
  })
})

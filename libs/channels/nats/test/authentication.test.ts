import { describe, expect, test } from '@jest/globals'
import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt'
import { nkeys } from '@nats-io/transport-node'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { provisionNats, startNats } from '@sluice/testkit'
import { type NatsAuth, type NatsOptions, openNatsDriver } from '../src/index.ts'
import { createAuthority } from './certificates.ts'

const provisioned = await provisionNats()
const withServer = provisioned.found?.kind === 'program' ? test : test.skip
if (provisioned.found?.kind !== 'program') {
  process.stdout.write(`authentication and TLS need a server that is ours: ${provisioned.report}\n`)
}

/** What its login is made of, wrong and right, and what a server has to be told. */
interface Login {
  readonly config: string
  readonly right: NatsAuth
  readonly wrong: NatsAuth
  readonly secrets: readonly string[]
}

const seedOf = (pair: { getSeed(): Uint8Array }) => Buffer.from(pair.getSeed()).toString()
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

const LOGINS: readonly (readonly [string, () => Login | Promise<Login>])[] = [
  [
    'user and password',
    () => ({
      config: 'authorization { user: sluice, password: "right one" }',
      right: { kind: 'password', user: 'sluice', password: 'right one' },
      wrong: { kind: 'password', user: 'sluice', password: 'wrong one' },
      secrets: ['right one', 'wrong one'],
    }),
  ],
  [
    'a token',
    () => ({
      config: 'authorization { token: "right token" }',
      right: { kind: 'token', token: 'right token' },
      wrong: { kind: 'token', token: 'wrong token' },
      secrets: ['right token', 'wrong token'],
    }),
  ],
  [
    "an nkey's seed",
    () => {
      const [right, wrong] = [nkeys.createUser(), nkeys.createUser()]
      return {
        config: `authorization { users: [{ nkey: ${right.getPublicKey()} }] }`,
        right: { kind: 'nkey', seed: seedOf(right) },
        wrong: { kind: 'nkey', seed: seedOf(wrong) },
        secrets: [seedOf(right), seedOf(wrong)],
      }
    },
  ],
  [
    'a credentials file',
    async () => {
      const [operator, user] = [nkeys.createOperator(), nkeys.createUser()]
      const [account, other, system] = [nkeys.createAccount(), nkeys.createAccount(), nkeys.createAccount()]
      const limits = {
        conn: -1,
        subs: -1,
        data: -1,
        payload: -1,
        disk_storage: -1,
        mem_storage: -1,
        streams: -1,
        consumer: -1,
      }
      const accountJwt = await encodeAccount('events', account, { limits }, { signer: operator })
      const systemJwt = await encodeAccount('system', system, {}, { signer: operator })
      const issuedBy = async (issuer: typeof account) => text(fmtCreds(await encodeUser('sluice', user, issuer), user))
      const right = await issuedBy(account)
      const wrong = await issuedBy(other)
      return {
        config: [
          `operator: ${await encodeOperator('sluice', operator)}`,
          `system_account: ${system.getPublicKey()}`,
          'resolver: MEMORY',
          `resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`,
        ].join('\n'),
        right: { kind: 'credentials', credentials: right },
        wrong: { kind: 'credentials', credentials: wrong },
        secrets: [seedOf(user), ...[right, wrong].map((each) => each.split('\n')[1] ?? '')],
      }
    },
  ],
]

async function opened(url: string, more: Partial<NatsOptions>) {
  const telemetry = createTestTelemetry()
  const driver = await openNatsDriver({ url, clock: systemClock, telemetry, leaseMs: 1_000, ...more })
  const said = () => JSON.stringify([driver.connection, telemetry.lines])
  const warned = () => telemetry.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.reason)
  return { driver, said, warned, [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose]() }
}

describe('a server that asks who is there', () => {
  describe.each(LOGINS)('by %s', (_, loginOf) => {
    withServer('takes the right one, and of the wrong one the reason names the cause and no secret', async () => {
      const { config, right, wrong, secrets } = await loginOf()
      await using server = await startNats(provisioned, config)
      if (server === undefined) return
      await using good = await opened(server.url, { auth: right })
      expect(good.driver.connection).toEqual({ state: 'connected' })
      await good.driver.create('there', { kind: 'log', lanes: 1, subscriptions: ['reader'] })
      await using bad = await opened(server.url, { auth: wrong })
      await using none = await opened(server.url, {})
      for (const { driver, said, warned } of [bad, none]) {
        expect(driver.connection).toEqual({
          state: 'waiting',
          reason: expect.stringMatching(/authorization violation/i),
        })
        expect(warned()).toEqual([expect.stringMatching(/authorization violation/i)])
        for (const secret of secrets) expect(said()).not.toContain(secret)
      }
    })
  })

  test.each<[string, NatsAuth, RegExp]>([
    ['a seed that is none', { kind: 'nkey', seed: 'SUsecretsecret' }, /seed/i],
    ['a credentials file that is none', { kind: 'credentials', credentials: 'secretsecret' }, /credentials/i],
  ])('%s is refused at once, without showing it', async (_name, auth, problem) => {
    const telemetry = createTestTelemetry()
    const options = { url: 'nats://127.0.0.1:1', clock: systemClock, telemetry, auth }
    const error = (await openNatsDriver(options).catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({ detail: { code: 'CONFIG_INVALID', problems: [expect.stringMatching(problem)] } })
    expect(error.message).not.toContain('secretsecret')
  })
})

describe('TLS', () => {
  const tlsUrl = (server: { port: number }) => `tls://127.0.0.1:${server.port}`
  const waitingFor = (pattern: RegExp) => ({ state: 'waiting', reason: expect.stringMatching(pattern) })

  withServer(
    'with the authority known it connects; with another or none the reason names the certificate',
    async () => {
      using authority = await createAuthority('sluice test')
      using stranger = await createAuthority('a stranger')
      const { certFile, keyFile } = await authority.issue('server')
      await using server = await startNats(provisioned, `tls { cert_file: "${certFile}", key_file: "${keyFile}" }`)
      if (server === undefined) return
      await using right = await opened(tlsUrl(server), { tls: { ca: authority.cert } })
      expect(right.driver.connection).toEqual({ state: 'connected' })
      await using wrong = await opened(tlsUrl(server), { tls: { ca: stranger.cert } })
      expect(wrong.driver.connection).toEqual(waitingFor(/certificate/i))
      await using unknown = await opened(tlsUrl(server), {})
      expect(unknown.driver.connection).toEqual(waitingFor(/certificate/i))
    },
  )

  withServer('mutual: a client with a certificate is let in, one without is told so', async () => {
    using authority = await createAuthority('sluice test')
    const { certFile, keyFile } = await authority.issue('server')
    const { cert, key } = await authority.issue('client')
    const config = `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${authority.certFile}", verify: true }`
    await using server = await startNats(provisioned, config)
    if (server === undefined) return
    await using right = await opened(tlsUrl(server), { tls: { ca: authority.cert, cert, key } })
    expect(right.driver.connection).toEqual({ state: 'connected' })
    expect(right.said()).not.toContain(key.split('\n')[1])
    await using without = await opened(tlsUrl(server), { tls: { ca: authority.cert } })
    expect(without.driver.connection).toEqual(waitingFor(/certificate/i))
  })

  withServer('asked for by tls:// alone, a server without it is told nothing, least of all the password', async () => {
    await using server = await startNats(provisioned, 'authorization { user: sluice, password: "right one" }')
    if (server === undefined) return
    const auth = { kind: 'password', user: 'sluice', password: 'right one' } as const
    await using plain = await opened(tlsUrl(server), { auth })
    expect(plain.driver.connection).toEqual(waitingFor(/tls/i))
    await using good = await opened(server.url, { auth })
    expect(good.driver.connection).toEqual({ state: 'connected' })
  })
})

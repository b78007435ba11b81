import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { addScramUser, CERTIFICATE, freePorts, KEY, provisionKafka, startKafka, VirtualClock } from '@sluice/testkit'
import { clientOf, type KafkaOptions } from '../src/index.ts'
import { silentTelemetry } from './silent.ts'

const USER = 'sluice'
const PASSWORD = 'never shown'
const CASE_MS = 30_000

const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-security-'))
const pem = join(folder, 'server.pem')
writeFileSync(pem, KEY + CERTIFICATE)
const authority = join(folder, 'ca.pem')
writeFileSync(authority, CERTIFICATE)
const [login, mutual] = (await freePorts(2)) as [number, number]
const JAAS = 'org.apache.kafka.common.security'
const CONFIG = `listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MUTUAL:SSL
ssl.keystore.type=PEM
ssl.keystore.location=${pem}
ssl.truststore.type=PEM
ssl.truststore.location=${authority}
listener.name.mutual.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config=${JAAS}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";
listener.name.login.scram-sha-256.sasl.jaas.config=${JAAS}.scram.ScramLoginModule required;
listener.name.login.scram-sha-512.sasl.jaas.config=${JAAS}.scram.ScramLoginModule required;`

const provisioned = await provisionKafka()
process.stdout.write(`${provisioned.report}\n`)
const server = await startKafka(provisioned, CONFIG, [`LOGIN://127.0.0.1:${login}`, `MUTUAL://127.0.0.1:${mutual}`])
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const said: string[] = []
const say = (...words: unknown[]) => void said.push(JSON.stringify(words))
const telemetry = { ...silentTelemetry, log: { debug: say, info: say, warn: say, error: say } }

/** What Kafka answers to one who asks for its topics, or why it does not. */
async function ask(port: number, options: Pick<KafkaOptions, 'sasl' | 'tls'>): Promise<unknown> {
  const base = { brokers: `127.0.0.1:${port}`, clock: new VirtualClock(), telemetry, requestMs: 3_000 }
  const client = clientOf({ ...base, ...options }).admin({ retry: { retries: 0 } })
  try {
    await client.connect()
    return await client.listTopics()
  } finally {
    await client.disconnect().catch(() => undefined)
  }
}

if (server?.isOurs !== true) {
  describe('Kafka', () => test.skip(`is reached with a login and TLS (${provisioned.report})`, () => undefined))
} else {
  beforeAll(() => addScramUser(server, USER, PASSWORD))
  const tls = { ca: CERTIFICATE }

  describe('Kafka is reached with a login over TLS', () => {
    test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
      'by %s; with another password it is not, and neither is ever said',
      async (mechanism) => {
        const sasl = { mechanism, user: USER, password: PASSWORD }
        await expect(ask(login, { sasl, tls })).resolves.toEqual([])
        const wrong = { ...sasl, password: 'never shown either' }
        const error = await ask(login, { sasl: wrong, tls }).catch((refused: unknown) => refused)
        expect(error).toBeInstanceOf(Error)
        expect(said.length).toBeGreaterThan(0)
        expect(`${said.join()} ${String(error)} ${JSON.stringify(error)}`).not.toContain('never shown')
      },
      CASE_MS,
    )

    test('not without one', () => expect(ask(login, { tls })).rejects.toThrow(), CASE_MS)
  })

  describe('Kafka is reached with a certificate', () => {
    test(
      'that it asks for',
      () => expect(ask(mutual, { tls: { ...tls, cert: CERTIFICATE, key: KEY } })).resolves.toEqual([]),
      CASE_MS,
    )
    test('and not without it', () => expect(ask(mutual, { tls })).rejects.toThrow(), CASE_MS)
    test(
      'and not where nobody vouches for its own',
      () => expect(ask(login, { tls: {} })).rejects.toThrow(/self.signed/i),
      CASE_MS,
    )
  })
}

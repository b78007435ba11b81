import 'reflect-metadata'
import { KeyObject, webcrypto, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { type ControlAccess, controlAccess } from './control-access.ts'
import { startControlServer } from './control-server.ts'
import { createReadiness } from './readiness.ts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const YEAR_MS = 365 * 24 * 60 * 60_000

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-access-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('access from beyond loopback', () => {
  test('a certificate and a token are made once, for their owner alone, and kept', async () => {
    await inFolder(async (folder) => {
      const first = await controlAccess(folder, 'sluice.example', NOW)
      const certificate = new X509Certificate(first.certificate)
      for (const name of ['sluice.example', 'localhost']) expect(certificate.checkHost(name)).toBe(name)
      expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
      for (const file of ['crt', 'key', 'token', 'ca.crt', 'ca.key'])
        expect(statSync(join(folder, `control.${file}`)).mode & 0o777).toBe(0o600)
      expect(await controlAccess(folder, 'sluice.example', NOW)).toEqual(first)
    })
  })

  test('the certificate is made anew for another name and before it ends; token and authority stay, so that a kubeconfig does', async () => {
    await inFolder(async (folder) => {
      const first = await controlAccess(folder, 'a.example', NOW)
      const renamed = await controlAccess(folder, 'b.example', NOW)
      const later = await controlAccess(folder, 'b.example', NOW + 10 * YEAR_MS)
      expect(new Set([first, renamed, later].map(({ certificate }) => certificate)).size).toBe(3)
      expect(new Set([first, renamed, later].map(({ token, authority }) => `${token} ${authority}`)).size).toBe(1)
      const { publicKey } = new X509Certificate(first.authority)
      for (const { certificate } of [renamed, later])
        expect(new X509Certificate(certificate).verify(publicKey)).toBe(true)
    })
  })

  test("a certificate of one's own is served as it is, and known by itself; one of before the authority is made anew", async () => {
    await inFolder(async (folder) => {
      for (const [subject, isKept] of [
        ['CN=theirs', true],
        ['CN=Sluice', false],
      ] as const) {
        const given = await selfSigned(subject)
        writeFileSync(join(folder, 'control.crt'), given.certificate)
        writeFileSync(join(folder, 'control.key'), given.key)
        const { certificate, key, authority } = await controlAccess(folder, 'a.example', NOW)
        const kept = [certificate, authority].map((pem) => pem === given.certificate)
        expect([subject, ...kept, key === given.key]).toEqual([subject, isKept, isKept, isKept])
      }
    })
  })

  test('a token that anybody could guess is refused, and a file that is no certificate', async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, 'control.token'), 'short\n')
      await expect(controlAccess(folder, 'a', NOW)).rejects.toMatchObject({ detail: { code: 'DATA_DIR_UNUSABLE' } })
      writeFileSync(join(folder, 'control.token'), `${'x'.repeat(30)}\n`)
      for (const file of ['crt', 'key']) writeFileSync(join(folder, `control.${file}`), 'nonsense')
      await expect(controlAccess(folder, 'a', NOW)).rejects.toMatchObject({ detail: { code: 'DATA_DIR_UNUSABLE' } })
      expect(readFileSync(join(folder, 'control.crt'), 'utf8')).toBe('nonsense')
    })
  })
})

async function selfSigned(name: string) {
  const { X509CertificateGenerator } = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await X509CertificateGenerator.createSelfSigned({ name, keys, signingAlgorithm: algorithm })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { certificate: `${made.toString('pem')}\n`, key }
}

interface Asked {
  readonly headers?: Record<string, string>
  readonly ca?: string
}

/** A control server beyond loopback, asked from here. */
async function serving(work: (ask: (url: string, asked?: Asked) => Promise<number>, port: number) => Promise<void>) {
  await inFolder(async (folder) => {
    const access = await controlAccess(folder, '0.0.0.0', systemClock.now())
    const { log } = createTestTelemetry()
    const readiness = createReadiness(systemClock)
    await using server = await startControlServer({ host: '0.0.0.0', port: 0, readiness, log, access })
    server.routes.get('/secret', (_request, reply) => reply.send('ok'))
    await server.open()
    const port = Number(new URL(server.url).port)
    await work((url, asked) => statusOf(url.replace('PORT', String(port)), access, asked), port)
  })
}

function statusOf(url: string, access: ControlAccess, { headers = {}, ca = access.authority }: Asked = {}) {
  const auth = headers.authorization === 'token' ? { authorization: `Bearer ${access.token}` } : {}
  const options = { headers: { ...headers, ...auth }, ca, agent: false, servername: 'localhost' }
  return new Promise<number>((resolve, reject) => {
    const get = url.startsWith('https') ? httpsGet : httpGet
    get(url, options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    }).on('error', reject)
  })
}

describe('the control port beyond loopback', () => {
  test('by TLS, whoever has the token gets everything, and nobody else', async () => {
    await serving(async (ask) => {
      const authorization = 'token'
      expect(await ask('https://127.0.0.1:PORT/secret', { headers: { authorization } })).toBe(200)
      const host = 'sluice.example'
      expect(await ask('https://127.0.0.1:PORT/secret', { headers: { authorization, host } })).toBe(200)
      expect(await ask('https://127.0.0.1:PORT/secret')).toBe(401)
      expect(await ask('https://127.0.0.1:PORT/secret', { headers: { authorization: 'Bearer x' } })).toBe(401)
      expect(await ask('https://127.0.0.1:PORT/healthz')).toBe(200)
    })
  })

  test('plain HTTP on the same port is probes, and for this machine the rest', async () => {
    await serving(async (ask) => {
      expect(await ask('http://127.0.0.1:PORT/healthz')).toBe(200)
      expect(await ask('http://127.0.0.1:PORT/secret')).toBe(200)
      expect(await ask('http://127.0.0.1:PORT/secret', { headers: { host: 'evil.example' } })).toBe(403)
    })
  })

  test('what is no handshake ends its own connection and nothing else', async () => {
    await serving(async (ask, port) => {
      for (const bytes of [Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]), Buffer.from([0x16]), Buffer.alloc(0)]) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.end(bytes)
        await new Promise((resolve) => socket.on('close', resolve).resume())
      }
      expect(await ask('https://127.0.0.1:PORT/healthz')).toBe(200)
    })
  })
})

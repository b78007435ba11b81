import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { makeSharedSecrets } from './shared-secrets.ts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const YEAR_MS = 365 * 24 * 60 * 60_000

interface Made {
  make(now?: number, name?: string): Promise<readonly string[]>
  /** Of `shared/…` or `controller/…`. */
  path(file: string): string
  text(file: string): string
}

async function inFolders(work: (made: Made) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-setup-'))
  const [sharedDir, controllerDir] = [join(folder, 'shared'), join(folder, 'controller')]
  const path = (file: string) => join(folder, file)
  try {
    await work({
      path,
      text: (file) => readFileSync(path(file), 'utf8'),
      make: async (now = NOW, name = 'controller') =>
        (await makeSharedSecrets({ sharedDir, controllerDir, names: [name] }, now)).map((file) =>
          file.slice(folder.length + 1),
        ),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const CERTIFICATE = ['controller/controller.key', 'controller/controller.crt']
const AUTHORITY = ['controller/ca.key', 'shared/controller-ca.crt']

describe('what controller and services share', () => {
  test('is made once, for its owner alone, and kept', async () => {
    await inFolders(async ({ make, path, text }) => {
      expect(await make()).toEqual(['shared/contract-token', ...AUTHORITY, ...CERTIFICATE])
      expect(text('shared/contract-token')).toMatch(/^[A-Za-z0-9_-]{43}$/)
      for (const file of ['shared/contract-token', ...AUTHORITY, ...CERTIFICATE])
        expect([file, statSync(path(file)).mode & 0o777]).toEqual([file, 0o600])
      expect(await make()).toEqual([])
      expect(await make(NOW + 9 * YEAR_MS)).toEqual([])
    })
  })

  test('no key lies where services read', async () => {
    await inFolders(async ({ make, path, text }) => {
      await make()
      const shared = readdirSync(path('shared'))
      expect(shared.sort()).toEqual(['contract-token', 'controller-ca.crt'])
      for (const file of shared) expect(text(`shared/${file}`)).not.toContain('PRIVATE KEY')
    })
  })

  test('the certificate is made anew before it ends and for another name; token and authority stay', async () => {
    await inFolders(async ({ make, text }) => {
      await make()
      const authority = new X509Certificate(text('shared/controller-ca.crt'))
      for (const [now, name] of [
        [NOW, 'control.example'],
        [NOW + 10 * YEAR_MS, 'control.example'],
        [NOW + 10 * YEAR_MS, '192.0.2.7'],
      ] as const) {
        expect(await make(now, name)).toEqual(CERTIFICATE)
        expect(new X509Certificate(text('controller/controller.crt')).verify(authority.publicKey)).toBe(true)
      }
    })
  })

  test('an authority whose key is gone or another, or that is about to end, is made anew with its certificate', async () => {
    await inFolders(async ({ make, path }) => {
      await make()
      rmSync(path('controller/ca.key'))
      expect(await make()).toEqual([...AUTHORITY, ...CERTIFICATE])
      writeFileSync(path('controller/ca.key'), readFileSync(path('controller/controller.key')))
      expect(await make()).toEqual([...AUTHORITY, ...CERTIFICATE])
      expect(await make(NOW + 50 * YEAR_MS)).toEqual([...AUTHORITY, ...CERTIFICATE])
      rmSync(path('controller/controller.key'))
      expect(await make(NOW + 50 * YEAR_MS)).toEqual(CERTIFICATE)
    })
  })

  test('who trusts the authority trusts the controller under its name alone, also after the certificate was made anew', async () => {
    await inFolders(async ({ make, text }) => {
      const now = systemClock.now()
      await make(now - 10 * YEAR_MS + YEAR_MS / 100)
      const ca = text('shared/controller-ca.crt')
      for (const renewed of [[], CERTIFICATE]) {
        if (renewed.length > 0) expect(await make(now)).toEqual(renewed)
        const options = { cert: text('controller/controller.crt'), key: text('controller/controller.key') }
        expect(await refusalsOf(options, ca, ['controller', 'other'])).toEqual([
          undefined,
          'ERR_TLS_CERT_ALTNAME_INVALID',
        ])
      }
    })
  })

  test('a file that is no certificate is named, and stays', async () => {
    await inFolders(async ({ make, path, text }) => {
      await make()
      writeFileSync(path('controller/controller.crt'), 'nonsense')
      const reason = 'is no certificate in PEM: remove it, and it is made anew'
      await expect(make()).rejects.toMatchObject({
        message: `${path('controller/controller.crt')}: ${reason}`,
        detail: { code: 'DATA_DIR_UNUSABLE' },
      })
      expect(text('controller/controller.crt')).toBe('nonsense')
    })
  })
})

/** What keeps a client of that authority from a server under each of the names. */
async function refusalsOf(options: { cert: string; key: string }, ca: string, names: readonly string[]) {
  const server = createServer(options)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const ask = (servername: string) =>
      new Promise<string | undefined>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', servername, ca }, () => {
          socket.destroy()
          resolve(undefined)
        })
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      })
    return await Promise.all(names.map(ask))
  } finally {
    server.close()
  }
}

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { runToExit } from '@sluice/testkit'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

test('it says what it made, and the second time that all is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-setup-'))
  const env = { SHARED_DIR: join(folder, 'shared'), CONTROLLER_DIR: join(folder, 'controller') }
  try {
    const first = await runToExit(MAIN, { env })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const made = first.stdout.trimEnd().split('\n')
    expect(made).toHaveLength(5)
    for (const line of made) expect([line, existsSync(line.replace('made ', ''))]).toEqual([line, true])
    expect(await runToExit(MAIN, { env })).toMatchObject({ code: 0, stdout: 'nothing to make: all is there\n' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a name that is none exits 78', async () => {
  const { code, stderr } = await runToExit(MAIN, { env: { CONTROLLER_HOST: 'https://controller:8091' } })
  expect(code).toBe(78)
  expect(stderr).toContain('CONTROLLER_HOST: "https://controller:8091" is neither a host name nor an address')
})

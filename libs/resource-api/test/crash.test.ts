import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, test } from '@jest/globals'
import { systemClock } from '@sluice/clock'
import { openRegistry } from '@sluice/resource-api'
import { apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { startProcess } from '@sluice/testkit'

const WRITER = new URL('./writer.ts', import.meta.url).pathname
const table = apiTable()
const CONFIG_MAP = table.ofKind('v1', 'ConfigMap') as ServedVersion

function file(): string {
  return join(mkdtempSync(join(tmpdir(), 'sluice-crash-')), 'resources.db')
}
const open = (path: string) => openRegistry({ path, table, clock: systemClock, telemetry: createTestTelemetry() })

describe('a process that dies', () => {
  test('what was answered before a kill is there after it, with its number, however often', async () => {
    const path = file()
    const answered = new Map<string, string>()
    for (const until of [50, 200, 400]) {
      await using writer = await startProcess(WRITER, { args: [path, '500'], ready: {} })
      await writer.printed(new RegExp(`stored m\\d*${until} `), 15_000)
      writer.kill('SIGKILL')
      await writer.exit
      for (const [, name = '', rv = ''] of writer.stdout().matchAll(/stored (\S+) (\d+)\n/g)) answered.set(name, rv)
      await using registry = await open(path)
      const { items, resourceVersion } = registry.list(CONFIG_MAP, {})
      const found = new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
      expect([...answered].filter(([name, rv]) => found.get(name) !== rv)).toEqual([])
      expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Math.max(...[...answered.values()].map(Number)))
    }
    expect(answered.size).toBeGreaterThan(300)
  }, 60_000)

  test('a disk that takes no more refuses writes and loses nothing; reading goes on, and writing once there is room', async () => {
    const path = file()
    // a limit to the size of files stands for the full disk; prlimit makes room
    const script = 'ulimit -S -f 4096; exec "$0" "$@"'
    const writer = spawn('bash', ['-c', script, process.execPath, WRITER, path, '20000'], { stdio: 'pipe' })
    try {
      const lines = createInterface(writer.stdout)[Symbol.asyncIterator]()
      const next = async (start: string) => {
        for (let i = 0; i < 5_000; i++) {
          const { value } = (await lines.next()) as { value: string | undefined }
          const stored = /^stored (\S+)/.exec(value ?? '')?.[1]
          if (stored !== undefined) answered.push(stored)
          if (value === undefined || value.startsWith(start)) return value
        }
        return undefined
      }
      const answered: string[] = []
      expect(await next('refused')).toMatch(/^refused ServiceUnavailable with \d+ to be read: nothing was stored: /)
      expect(answered.length).toBeGreaterThan(10)
      execFileSync('prlimit', ['--pid', String(writer.pid), '--fsize=unlimited'])
      expect(await next('stored')).toMatch(/^stored/)
      for (let i = 0; i < 20; i++) await next('stored')
      writer.kill('SIGKILL')
      await once(writer, 'close')
      await using registry = await open(path)
      const found = new Set(registry.list(CONFIG_MAP, {}).items.map(({ metadata }) => metadata.name))
      expect(answered.filter((name) => !found.has(name))).toEqual([])
    } finally {
      writer.kill('SIGKILL')
    }
  }, 60_000)
})

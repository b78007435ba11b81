import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import type { WatchEvent } from '../registry.ts'
import { at, BROKER, BY, CONFIG_MAP, object, open } from './testing.ts'

function file(): string {
  return join(mkdtempSync(join(tmpdir(), 'sluice-resources-')), 'resources.db')
}

describe('the file', () => {
  test('what was written is there after a restart, numbers go on, and a watch misses nothing', async () => {
    const path = file()
    const seen: string[] = []
    const on = ({ type, object }: WatchEvent) => seen.push(`${type} ${object.metadata.name}`)
    let rv: string
    {
      await using registry = await open({ path })
      const { object: first } = await registry.create(BROKER, 'default', object(BROKER, 'a'), BY)
      rv = String(first.metadata.resourceVersion)
      await registry.create(BROKER, 'default', object(BROKER, 'b'), BY)
      await registry.delete(BROKER, at('a'), {})
    }
    await using registry = await open({ path })
    expect(registry.list(BROKER, {}).items.map(({ metadata }) => metadata.name)).toEqual(['b'])
    registry.watch(BROKER, { resourceVersion: rv }, on)
    const { object: later } = await registry.create(BROKER, 'default', object(BROKER, 'c'), BY)
    expect(seen).toEqual(['ADDED b', 'DELETED a', 'ADDED c'])
    expect(Number(later.metadata.resourceVersion)).toBeGreaterThan(Number(rv) + 2)
  })

  test('an object that newer rules would refuse can still get a status, labels, and go', async () => {
    const path = file()
    {
      await using registry = await open({ path })
      const spec = { delivery: { retry: 3 } }
      await registry.create(BROKER, 'default', object(BROKER, 'a', { spec }, { finalizers: ['x.dev/f'] }), BY)
    }
    const db = new DatabaseSync(path)
    db.exec(`UPDATE revision SET object = replace(object, '"retry":3', '"retry":-3')`)
    db.close()
    await using registry = await open({ path })
    const stored = registry.get(BROKER, at('a'))
    const status = { observedGeneration: 1 }
    const { object: told } = await registry.update(
      BROKER,
      at('a'),
      { ...stored, status },
      { ...BY, subresource: 'status' },
    )
    expect(told.status).toEqual(status)
    await expect(registry.update(BROKER, at('a'), { ...told, spec: { delivery: { retry: -4 } } }, BY)).rejects.toThrow(
      /spec\.delivery\.retry/,
    )
    await registry.delete(BROKER, at('a'), {})
    await registry.update(BROKER, at('a'), object(BROKER, 'a', { spec: stored.spec }), BY)
    expect(registry.list(BROKER, {}).items).toEqual([])
  })

  test('large objects are read back, however many pages they fill', async () => {
    const path = file()
    const data = { text: 'x'.repeat(1_000_000) }
    {
      await using registry = await open({ path })
      for (let i = 0; i < 20; i++)
        await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, `c${i}`, { data }), BY)
    }
    await using registry = await open({ path })
    expect(registry.list(CONFIG_MAP, {}).items).toHaveLength(20)
    expect(registry.get(CONFIG_MAP, at('c19')).data).toEqual(data)
  })

  test('the file and what is beside it are for their owner alone', async () => {
    const path = file()
    await using _registry = await open({ path })
    for (const each of [path, `${path}-wal`]) expect((statSync(each).mode & 0o777).toString(8)).toBe('600')
  })

  test('one process has it at a time', async () => {
    const path = file()
    await using _registry = await open({ path })
    const error = await open({ path }).catch((error: unknown) => error)
    expect(isFailure(error, 'DATA_DIR_IN_USE')).toBe(true)
  })

  test('a damaged file is refused by name and with what to do', async () => {
    const path = file()
    writeFileSync(path, 'no database at all, but long enough to be read as one'.repeat(100))
    const error = await open({ path }).catch((error: unknown) => error)
    expect(isFailure(error, 'DATA_DIR_UNUSABLE')).toBe(true)
    expect(String(error)).toMatch(/resources\.db can't be used: the file is damaged .*: restore it from a copy/)
  })

  test('a broken page is found at the start', async () => {
    const path = file()
    {
      await using registry = await open({ path })
      for (let i = 0; i < 20; i++) {
        const data = { text: 'x'.repeat(2000) }
        await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, `c${i}`, { data }), BY)
      }
    }
    const bytes = readFileSync(path)
    bytes.fill(0xee, 8192, 16_384)
    writeFileSync(path, bytes)
    const error = await open({ path }).catch((error: unknown) => error)
    expect(isFailure(error, 'DATA_DIR_UNUSABLE')).toBe(true)
  })
})

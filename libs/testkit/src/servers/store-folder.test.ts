import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { newStoreFolder } from './store-folder.ts'

test('a folder for a store is new, and takes the place of what a process that is gone left', () => {
  const one = newStoreFolder()
  const { pid } = spawnSync(process.execPath, ['--version'])
  const left = join(dirname(one), `sluice-store-${pid}-left`)
  mkdirSync(join(left, 'store'), { recursive: true })
  const another = newStoreFolder()
  expect([existsSync(one), existsSync(another), existsSync(left), one === another]).toEqual([true, true, false, false])
  for (const each of [one, another]) rmSync(each, { recursive: true })
})

test('where memory is no place for it, it lies with other temporary files', () => {
  const none = join(mkdtempSync(join(tmpdir(), 'no-memory-')), 'none')
  const folder = newStoreFolder(none)
  expect(dirname(folder)).toBe(tmpdir())
  for (const each of [folder, dirname(none)]) rmSync(each, { recursive: true })
})

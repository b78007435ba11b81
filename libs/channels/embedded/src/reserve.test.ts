import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { RESERVE_BYTES } from './config.ts'
import { Reserve } from './reserve.ts'

let folder = ''
const file = () => join(folder, 'reserve')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reserve-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('the reserve is on disk in full, for its owner only, until it is given up, and then can be taken again', () => {
  const reserve = new Reserve(folder)
  for (let i = 0; i < 2; i++) {
    expect(reserve.take()).toBe(true)
    expect(statSync(file())).toMatchObject({ size: RESERVE_BYTES })
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    reserve.give()
    expect(existsSync(file())).toBe(false)
  }
  reserve.give()
})

test('a reserve that was cut short is written anew', () => {
  writeFileSync(file(), 'short')
  expect(new Reserve(folder).take()).toBe(true)
  expect(statSync(file()).size).toBe(RESERVE_BYTES)
})

test('a folder that takes no file has no reserve, and nothing is thrown', () => {
  const missing = new Reserve(join(folder, 'missing'))
  expect(missing.take()).toBe(false)
  missing.give()
})

test('a store in memory needs none', () => {
  expect(new Reserve(':memory:').take()).toBe(true)
})

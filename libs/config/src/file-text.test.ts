import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { fileText } from './file-text.ts'
import { readConfig } from './read-config.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const shape = { key: fileText('NATS_KEY', { fallback: undefined, meaning: 'key' }) }
const read = (path: string) => readConfig(shape, { NATS_KEY: path })

test('the text of the file is the value, without the white space that editors leave', () => {
  writeFileSync(join(folder, 'key'), 's3cret\n')
  expect(read(join(folder, 'key'))).toEqual({ key: 's3cret' })
})

test('a file that is missing, empty, too large or none is a problem that names it and not what it holds', () => {
  writeFileSync(join(folder, 'empty'), ' \n')
  writeFileSync(join(folder, 'large'), 's3cret')
  truncateSync(join(folder, 'large'), 300_000)
  expect(() => read(join(folder, 'none'))).toThrow(/NATS_KEY: "\S+none" is a file that does not exist/)
  expect(() => read(join(folder, 'empty'))).toThrow(/is an empty file/)
  expect(() => read(join(folder, 'large'))).toThrow(/more than 262144 bytes/)
  expect(() => read(folder)).toThrow(/can't be read \(EISDIR\)/)
})

import { describe, expect, test } from '@jest/globals'
import { isTooOld, mustErase } from './server-version.ts'

describe("a server's version", () => {
  test.each(['2.8.4', '2.8', '1.4.1', '0', 'garbage', ''])('%s is too old', (version) => {
    expect(isTooOld(version)).toBe(true)
  })

  test.each(['2.9.0', '2.9.10', '2.12.0-RC.1', '3.0.0', '2.15.2-preview.1'])('%s is taken', (version) => {
    expect(isTooOld(version)).toBe(false)
  })

  test('before 2.10 means that deletions are made for good by overwriting', () => {
    expect(['2.9.0', '2.9.25', '2.10.0-beta.1', '2.10.0', '2.12.4', '3.0.0'].map(mustErase)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ])
  })
})

import { describe, expect, test } from '@jest/globals'
import { onPath, runCommand } from './command.ts'
import { type Found, provision, type Way } from './provision.ts'

const SERVER: Found = { kind: 'program', path: '/bin/server' }

function way(advice: string, outcome: Found | undefined | Error, tried: string[] = []): Way {
  return {
    advice,
    async find() {
      tried.push(advice)
      if (outcome instanceof Error) throw outcome
      return { found: outcome, note: outcome === undefined ? 'not here' : 'found here' }
    },
  }
}

describe('a server for tests', () => {
  test('comes by the first way that works, and the report says which', async () => {
    const tried: string[] = []
    const ways = [way('set it', undefined, tried), way('install it', SERVER, tried), way('fetch it', SERVER, tried)]
    expect(await provision('a-server', ways, false)).toEqual({ found: SERVER, report: 'a-server: found here' })
    expect(tried).toEqual(['set it', 'install it'])
  })

  test('comes by the next way when one breaks', async () => {
    const { found } = await provision('a-server', [way('break', new Error('boom')), way('install it', SERVER)], false)
    expect(found).toBe(SERVER)
  })

  test('that comes by no way is reported with every way and what is wrong with it', async () => {
    const ways = [way('set it', undefined), way('install it', new Error('boom'))]
    const { found, report } = await provision('a-server', ways, false)
    expect(found).toBeUndefined()
    expect(report).toBe('a-server: none of 2 ways works: set it (not here); install it (Error: boom)')
  })

  test('that comes by no way is a failure on CI', async () => {
    await expect(provision('a-server', [way('set it', undefined)], true)).rejects.toMatchObject({
      detail: { code: 'INTERNAL' },
      message: 'a-server: none of 1 ways works: set it (not here)',
    })
  })
})

describe('a program', () => {
  test('is found on the PATH or not', () => {
    expect(onPath('sh', '/nowhere:/bin')).toBe('/bin/sh')
    expect(onPath('sh', '/nowhere')).toBeUndefined()
  })

  test('that is not there is one that failed', async () => {
    expect(await runCommand('/nowhere/program', [], { timeoutMs: 1_000 })).toMatchObject({ isDone: false })
    expect(await runCommand('/bin/sh', ['-c', 'echo out; echo err >&2; exit 3'], { timeoutMs: 5_000 })).toMatchObject({
      isDone: false,
      output: 'out\nerr',
    })
    expect(await runCommand('/bin/sh', ['-c', 'echo done'], { timeoutMs: 5_000 })).toEqual({
      isDone: true,
      output: 'done',
    })
  })
})

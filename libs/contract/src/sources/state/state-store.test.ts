import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { STATE_LIMITS } from './limits.ts'
import { openStateStore } from './state-store.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-state-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const put = (key: string, value: string | null, term = 1) =>
  ({ op: 'put', uid: 'u', term, changes: [[key, value]] }) as const
const granted = { op: 'grant', terms: [['u', 1]] } as const

describe('the file of what sources keep', () => {
  test('has it after a restart, with terms and reports, for its owner alone', async () => {
    const path = join(folder, 'restart.db')
    const first = await openStateStore(path, STATE_LIMITS)
    await first.ask(granted)
    await Promise.all([first.ask(put('a', '1')), first.ask(put('b', '2')), first.ask(put('a', null))])
    await first.ask({ op: 'report', uid: 'u', term: 1, report: '{}' })
    await first[Symbol.asyncDispose]()
    await using second = await openStateStore(path, STATE_LIMITS)
    expect(second.kept).toEqual([{ uid: 'u', term: 1, bytes: 2, report: '{}', goneAt: null }])
    expect(await second.ask({ op: 'list', uid: 'u', term: 1, prefix: '', limit: 9 })).toEqual({
      ...{ ok: true, value: [['b', '2']] },
    })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('refuses what is said under an older term, in the very order in which terms were given', async () => {
    await using store = await openStateStore(':memory:', STATE_LIMITS)
    await store.ask(granted)
    const [before, , behind, after] = await Promise.all([
      store.ask(put('a', '1')),
      store.ask({ op: 'grant', terms: [['u', 2]] }),
      store.ask(put('a', '2')),
      store.ask(put('a', '3', 2)),
    ])
    expect([before?.ok, behind, after?.ok]).toEqual([true, { ok: false, refused: 'term' }, true])
    expect(await store.ask({ op: 'get', uid: 'u', term: 2, key: 'a' })).toMatchObject({ value: '3' })
  })

  test('that is full keeps what it has, says so, and takes more once there is room', async () => {
    const limits = { ...STATE_LIMITS, fileBytes: 400_000 }
    await using store = await openStateStore(join(folder, 'full.db'), limits)
    await store.ask(granted)
    const kib64 = 'x'.repeat(60_000)
    let failure: unknown
    let stored = 0
    for (; stored < 20 && failure === undefined; stored++)
      await store.ask(put(`k${stored}`, kib64)).catch((error) => {
        failure = error
      })
    expect(failure).toMatchObject({
      detail: { code: 'SOURCE_STATE_UNAVAILABLE', reason: expect.stringContaining('no space is left') },
    })
    const [first] = (
      (await store.ask({ op: 'list', uid: 'u', term: 1, prefix: '', limit: 100 })) as { value: string[][] }
    ).value
    expect(first).toEqual(['k0', kib64])
    await store.ask(put('k0', null))
    expect(await store.ask(put('new', kib64))).toMatchObject({ ok: true })
  })

  test('is one process’ alone, and is not begun anew over one that is damaged', async () => {
    const path = join(folder, 'alone.db')
    const first = await openStateStore(path, STATE_LIMITS)
    await expect(openStateStore(path, STATE_LIMITS)).rejects.toMatchObject({ detail: { code: 'DATA_DIR_IN_USE' } })
    await first[Symbol.asyncDispose]()
    await writeFile(join(folder, 'damaged.db'), 'x'.repeat(10_000))
    await expect(openStateStore(join(folder, 'damaged.db'), STATE_LIMITS)).rejects.toMatchObject({
      detail: { code: 'DATA_DIR_UNUSABLE', reason: expect.stringContaining('damaged') },
    })
  })
})

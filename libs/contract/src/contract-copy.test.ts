import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { rows } from '../test/apart.ts'
import { contractCopy } from './contract-copy.ts'
import { withHashes } from './delta.ts'
import { createDocument } from './document.ts'
import type { Contract, RowsEdit } from './rows.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
})
afterEach(() => rm(folder, { recursive: true }))
const path = () => join(folder, 'contract.json')
const changes = () => `${path()}.changes`

const START: Contract = { ...withHashes(rows(['a', 'b'])), epoch: 7, revision: 10 }

/** A document and its copy, edited together. */
async function kept(leastCompactedBytes?: number) {
  const copy = contractCopy(path(), leastCompactedBytes)
  const document = createDocument((await copy.load()).value ?? START)
  return {
    copy,
    document,
    async edit(edit: RowsEdit): Promise<void> {
      const delta = document.deltaOf(edit)
      if (delta === undefined) throw new Error('no change')
      const from = document.revision
      document.apply(delta)
      await copy.append?.({ from, delta, whole: document.contract })
    },
  }
}
const put = (name: string, orderKey?: string): RowsEdit => ({ put: rows([name], orderKey), removed: {} })

describe('the copy of a contract', () => {
  test('is the document and a line per change, and both together after a restart', async () => {
    const { edit, document } = await kept()
    await edit(put('c'))
    const written = await readFile(path(), 'utf8')
    await edit(put('a', 'other'))
    await edit({ put: {}, removed: { logs: ['b'], ingresses: ['b'], routes: ['b'], deliveries: ['b'] } })
    expect(await readFile(path(), 'utf8')).toBe(written)
    expect((await readFile(changes(), 'utf8')).trimEnd().split('\n')).toHaveLength(2)
    expect(await contractCopy(path()).load()).toEqual({ value: document.contract() })
  })

  test('takes a contract.json of before there were changes, whatever refers to rows that are not there', async () => {
    const [route] = START.routes
    await writeFile(path(), JSON.stringify({ ...START, routes: [{ ...route, log: 'gone' }] }))
    const { edit, document } = await kept()
    expect(document.contract()).toEqual({ ...START, routes: [{ ...route, log: 'gone' }] })
    await edit(put('c'))
    expect((await contractCopy(path()).load()).value).toEqual(document.contract())
  })

  test.each([1, 7, 23, 200])(
    'a last change of which a crash left out %d bytes is cut, and the next one follows',
    async (missing) => {
      const { edit, document } = await kept()
      await edit(put('c'))
      await edit(put('d'))
      const before = document.contract()
      await edit(put('e'))
      await truncate(changes(), (await readFile(changes())).length - missing)
      const again = await kept()
      expect(again.document.contract()).toEqual(before)
      await again.edit(put('f'))
      expect((await contractCopy(path()).load()).value).toEqual(again.document.contract())
    },
  )

  test('garbage after the last change is cut', async () => {
    const { edit, document } = await kept()
    await edit(put('c'))
    await edit(put('d'))
    await appendFile(changes(), '\0\0\0\0\n\0\0')
    expect(await contractCopy(path()).load()).toEqual({ value: document.contract() })
    expect(await readFile(changes(), 'utf8')).not.toContain('\0')
  })

  test('damage before whole changes is told, what came before it stays, and the file is kept aside', async () => {
    const { edit, document } = await kept()
    await edit(put('c'))
    const before = document.contract()
    await edit(put('d'))
    await edit(put('e'))
    const text = await readFile(changes(), 'utf8')
    await writeFile(changes(), text.replace('log/d', 'log/x'))
    const { value, setAside } = await contractCopy(path()).load()
    expect(value).toEqual(before)
    expect(setAside?.as).toBe(`${changes()}.unreadable`)
    expect(setAside?.problem).toMatch(/at byte 0: the record is not whole/)
    expect((await contractCopy(path()).load()).value).toEqual(before)
  })

  test('changes whose document is older than they are, or gone, are told and kept aside', async () => {
    const { edit } = await kept()
    await edit(put('c'))
    await edit(put('d'))
    await writeFile(path(), JSON.stringify(START))
    const older = await contractCopy(path()).load()
    expect(older.value).toEqual(START)
    expect(older.setAside?.problem).toMatch(/changes from revision 10 to 11 are not there/)
    const { edit: go } = await kept()
    await go(put('c'))
    await rm(path())
    const gone = await contractCopy(path()).load()
    expect(gone.value).toBeUndefined()
    expect(gone.setAside?.problem).toMatch(/is gone, which it belongs to/)
  })

  test('changes that the document holds already are skipped: a crash between the two files', async () => {
    const { edit, document } = await kept()
    await edit(put('c'))
    await edit(put('d'))
    await writeFile(path(), JSON.stringify(document.contract()))
    expect(await contractCopy(path()).load()).toEqual({ value: document.contract() })
  })

  test('the document is written anew once the changes are longer, and what came meanwhile is kept', async () => {
    const { edit, document, copy } = await kept(2_000)
    for (let n = 0; n < 60; n += 1) await edit(put(`n${n % 5}`, `key-${n}`))
    await copy.idle?.()
    const { length } = await readFile(changes())
    expect(length).toBeLessThan(60 * 500)
    await copy.save(document.contract())
    await edit(put('last'))
    expect((await contractCopy(path()).load()).value).toEqual(document.contract())
    expect((await readdir(folder)).toSorted()).toEqual(['contract.json', 'contract.json.changes'])
  })

  test('a file of changes that somebody removed is made up for', async () => {
    const { edit, document } = await kept()
    await edit(put('c'))
    await edit(put('d'))
    await rm(changes())
    await edit(put('e'))
    expect((await contractCopy(path()).load()).value).toEqual(document.contract())
  })

  test('a change that can not be written is refused, and leaves nothing behind once it can', async () => {
    const { edit, document, copy } = await kept()
    await edit(put('c'))
    await edit(put('d'))
    const before = document.contract()
    await rm(changes())
    await rm(path())
    await writeFile(join(folder, 'file'), '')
    const blocked = contractCopy(join(folder, 'file', 'contract.json'))
    const delta = document.deltaOf(put('e'))
    if (delta === undefined) throw new Error('no change')
    await expect(blocked.append?.({ from: 12, delta, whole: document.contract })).rejects.toMatchObject({
      detail: { code: 'DATA_DIR_UNUSABLE' },
    })
    await copy.save(before)
    expect((await contractCopy(path()).load()).value).toEqual(before)
  })
})

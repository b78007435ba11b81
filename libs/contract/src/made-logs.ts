import { z } from 'zod'
import { type Copy, fileCopy } from './file-copy.ts'
import type { LogRow } from './rows.ts'
import { logRow, problemsOf } from './schema.ts'

/** The logs whose channels were made and are not known to be removed. */
export interface MadeLogs {
  /** As the copy has them; from then on as added and deleted here. */
  load(): Promise<ReadonlyMap<string, LogRow>>
  /** Fulfils once they survive the process. */
  add(rows: readonly LogRow[]): Promise<void>
  delete(uid: string): Promise<void>
}

/** The file of it in a data directory. */
export function madeLogsCopy(path: string): Copy<readonly LogRow[]> {
  const schema = z.array(logRow)
  return fileCopy(path, (value) => {
    const read = schema.safeParse(value)
    return read.success ? { value: read.data } : { problems: problemsOf(read.error) }
  })
}

/** Without a copy nothing survives the process. `setAside` is told of one that can't be read. */
export function madeLogs(
  copy: Copy<readonly LogRow[]> | undefined,
  setAside: (fields: { as: string; problem: string }) => void,
): MadeLogs {
  const rows = new Map<string, LogRow>()
  let saved = ''
  let loading: Promise<void> | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function read(): Promise<void> {
    const loaded = (await copy?.load()) ?? {}
    if (loaded.setAside !== undefined) setAside(loaded.setAside)
    for (const row of loaded.value ?? []) rows.set(row.uid, row)
    saved = [...rows.keys()].join()
  }

  /** In turn, since a copy takes one at a time. Where it fails the next takes what it left. */
  function save(change: () => unknown): Promise<void> {
    const saving = last.then(async () => {
      change()
      const uids = [...rows.keys()].join()
      if (uids === saved) return
      await copy?.save([...rows.values()])
      saved = uids
    })
    last = saving.catch(() => undefined)
    return saving
  }

  return {
    async load() {
      loading ??= read()
      await loading.catch((error: unknown) => {
        loading = undefined
        throw error
      })
      return rows
    },
    add: (added) => save(() => added.forEach((row) => void rows.set(row.uid, row))),
    delete: (uid) => save(() => rows.delete(uid)),
  }
}

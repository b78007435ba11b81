import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EventingError } from '@sluice/errors'

/** What a copy held: its value, or nothing yet, or something unreadable that now lies at `setAside.as`. */
export interface Loaded<T> {
  readonly value?: T
  readonly setAside?: { readonly as: string; readonly problem: string }
}

/** One value kept across restarts. Not for concurrent `save`s: the owner calls one at a time. */
export interface Copy<T> {
  load(): Promise<Loaded<T>>
  /** Fulfils once the value survives a power loss; a crash in between leaves the former one. */
  save(value: T): Promise<void>
}

/**
 * A JSON file as a copy. `check` answers the value or the problems; what it refuses is renamed to `<path>.unreadable`.
 * Rejects with DATA_DIR_UNUSABLE where the file can't be read, written or renamed.
 */
export function fileCopy<T>(
  path: string,
  check: (value: unknown) => { value: T } | { problems: readonly string[] },
): Copy<T> {
  const folder = dirname(path)

  async function setAside(problem: string): Promise<Loaded<T>> {
    const as = `${path}.unreadable`
    await rename(path, as)
    return { setAside: { as, problem } }
  }

  async function load(): Promise<Loaded<T>> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return {}
    const json = parse(text)
    if ('problem' in json) return setAside(json.problem)
    const checked = check(json.value)
    return 'value' in checked ? { value: checked.value } : setAside(checked.problems.slice(0, 10).join('; '))
  }

  async function save(value: T): Promise<void> {
    await mkdir(folder, { recursive: true })
    const temporary = `${path}.new`
    await synced(temporary, 'w', (file) => file.writeFile(JSON.stringify(value)))
    await rename(temporary, path)
    await synced(folder, 'r', async () => {})
  }

  return {
    load: () => load().catch((error) => Promise.reject(unusable(error, path))),
    save: (value) => save(value).catch((error) => Promise.reject(unusable(error, path))),
  }
}

function parse(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** Opens, works, and fulfils once what was written survives a power loss. */
export async function synced(path: string, flags: string, work: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await work(file)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** DATA_DIR_UNUSABLE for what the file system says of a file. */
export function unusable(error: unknown, path: string): EventingError {
  if (error instanceof EventingError) return error
  const reason = (error as NodeJS.ErrnoException).message
  const detail = { code: 'DATA_DIR_UNUSABLE', dataDir: dirname(path), reason } as const
  return new EventingError(detail, `${path}: ${reason}`, { cause: error })
}

import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { EventingError } from '@sluice/errors'

const TOKEN_BYTES = 32

export const randomToken = () => randomBytes(TOKEN_BYTES).toString('base64url')

/** Undefined where there is no such file. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all, and readable by its owner alone. */
export async function write(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`
  const file = await open(unfinished, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
}

export function unusable(dataDir: string, reason: string, cause?: unknown): EventingError {
  return new EventingError({ code: 'DATA_DIR_UNUSABLE', dataDir, reason }, `${dataDir}: ${reason}`, { cause })
}

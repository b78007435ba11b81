import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '../problem.ts'
import { joinFiles, type Manifests, type ParsedFile, type ParseFile } from './parse.ts'

const MAX_FILES = 20_000
const MAX_TOTAL_BYTES = 256n * 1024n * 1024n
const MAX_FILE_BYTES = 1024n * 1024n
const MAX_FOLDER_DEPTH = 10
/** A file changed less than this before it was read may have changed again without a new time stamp. */
const TRUST_AFTER_MS = 2000

interface KnownFile {
  readonly stamp: string
  readonly digest: string
  readonly isTrusted: boolean
  readonly parsed: ParsedFile
}

/** The files of a folder by name, parsed. Handed to the next `readFolder`, unchanged files are not read again. */
export type FolderFiles = ReadonlyMap<string, KnownFile>

/** Reads a folder once. Problems of the folder itself (missing, too large) are among the problems. */
export async function loadFolder(folder: string, parse: ParseFile): Promise<Manifests> {
  return joinFiles([...(await readFolder(folder, parse, new Map(), Date.now())).values()].map((file) => file.parsed))
}

/**
 * Every `.yaml` and `.yml` file below `folder`, sorted, links followed; names that begin with a dot are skipped, so a
 * mounted ConfigMap (`..data`) shows each file once. `now` is the wall clock. Never rejects: what can't be read is a
 * file with a problem.
 */
export async function readFolder(
  folder: string,
  parse: ParseFile,
  former: FolderFiles,
  now: number,
): Promise<FolderFiles> {
  const listed = await list(folder, [], [])
  const files = new Map<string, KnownFile>()
  let totalBytes = 0n
  for (const entry of listed.sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const read =
      'problem' in entry ? broken(entry.file, entry.path, entry.problem) : await readOne(entry.file, parse, former, now)
    if (read === undefined) continue
    totalBytes += read.bytes
    if (files.size === MAX_FILES || totalBytes > MAX_TOTAL_BYTES) {
      const limit = `holds more than ${MAX_FILES} manifests or ${MAX_TOTAL_BYTES / 1024n / 1024n} MiB of them`
      return new Map([[folder, broken(folder, '(folder)', limit).known]])
    }
    files.set(entry.file, read.known)
  }
  return files
}

type Listed = { file: string } | { file: string; path: string; problem: string }

async function list(folder: string, above: readonly string[], found: Listed[]): Promise<Listed[]> {
  let entries: Dirent[]
  let real: string
  try {
    real = await realpath(folder)
    entries = await readdir(folder, { withFileTypes: true })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' && above.length > 0) return found
    const problem =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code})`
    found.push({ file: folder, path: '(folder)', problem })
    return found
  }
  if (above.includes(real) || found.length > MAX_FILES) return found
  if (above.length > MAX_FOLDER_DEPTH) {
    found.push({ file: folder, path: '(folder)', problem: `is more than ${MAX_FOLDER_DEPTH} folders deep` })
    return found
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const file = join(folder, entry.name)
    const isManifest = /\.ya?ml$/.test(entry.name)
    const kind = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry
    if (kind === undefined) {
      if (isManifest) found.push({ file, path: '(file)', problem: 'is a link to nothing' })
    } else if (kind.isDirectory()) await list(file, [...above, real], found)
    else if (isManifest && kind.isFile()) found.push({ file })
    else if (isManifest) found.push({ file, path: '(file)', problem: 'is not a plain file' })
  }
  return found
}

async function readOne(
  file: string,
  parse: ParseFile,
  former: FolderFiles,
  now: number,
): Promise<{ known: KnownFile; bytes: bigint } | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(file, { bigint: true })
    const stamp = `${ino} ${size} ${mtimeNs} ${ctimeNs}`
    const before = former.get(file)
    if (before?.isTrusted && before.stamp === stamp) return { known: before, bytes: size }
    const bytes = size > MAX_FILE_BYTES ? undefined : await readFile(file)
    if (bytes === undefined) return broken(file, '(file)', 'is larger than 1 MiB: split it')
    const digest = createHash('sha256').update(bytes).digest('base64')
    const parsed = before?.digest === digest ? before.parsed : parse(file, bytes)
    return { known: { stamp, digest, isTrusted: now - Number(ctimeMs) > TRUST_AFTER_MS, parsed }, bytes: size }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOENT' ? undefined : broken(file, '(file)', `cannot be read (${code})`)
  }
}

function broken(file: string, path: string, problem: string): { known: KnownFile; bytes: bigint } {
  const problems: Problem[] = [{ file, line: 1, column: 1, path, problem }]
  const parsed = { objects: [], named: [], problems }
  return { known: { stamp: '', digest: problem, isTrusted: false, parsed }, bytes: 0n }
}

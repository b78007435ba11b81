import { open } from 'node:fs/promises'
import { type JournalRecord, needleOf, readLine } from './record.ts'

/** Searching one slice holds the event loop for well under a millisecond. */
const SLICE_BYTES = 262_144
const NEWLINE = 10

export interface Wanted {
  readonly id: string
  /** The queue channel that names the broker. */
  readonly queues: string
  readonly source?: string | undefined
  /** Newest first; the rest is left out. */
  readonly limit: number
}

/** What the files say about an id, oldest first. A file that is gone meanwhile, or a line that is torn, is passed over. */
export async function scan(paths: readonly string[], wanted: Wanted): Promise<readonly JournalRecord[]> {
  const needle = needleOf(wanted.id)
  let found: JournalRecord[] = []
  for (const path of paths) {
    if (found.length >= wanted.limit) break
    found = [...(await scanFile(path, needle, wanted)), ...found]
  }
  return found.slice(-wanted.limit)
}

async function scanFile(path: string, needle: Buffer, wanted: Wanted): Promise<JournalRecord[]> {
  const found: JournalRecord[] = []
  const handle = await open(path).catch(() => undefined)
  if (handle === undefined) return found
  try {
    const slice = Buffer.allocUnsafe(SLICE_BYTES)
    for (let at = 0; ; ) {
      const { bytesRead } = await handle.read(slice, 0, SLICE_BYTES, at)
      const end = slice.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
      if (end === 0) return found // nothing more, or no whole line
      collect(slice.subarray(0, end), needle, wanted, found)
      if (found.length > wanted.limit) found.splice(0, found.length - wanted.limit)
      at += end
    }
  } finally {
    await handle.close()
  }
}

function collect(lines: Buffer, needle: Buffer, { queues, source }: Wanted, found: JournalRecord[]): void {
  for (let at = lines.indexOf(needle); at >= 0; at = lines.indexOf(needle, at + needle.length)) {
    const end = lines.indexOf(NEWLINE, at)
    const line = readLine(lines.toString('utf8', at, end))
    if (line === undefined || line.queues !== queues) continue
    if (source === undefined || line.record.source === source) found.push(line.record)
  }
}

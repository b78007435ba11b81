import { type FileHandle, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ChangeRecord, readRecords, writeRecord } from './change-records.ts'
import { ROW_KINDS } from './delta.ts'
import { createDocument } from './document.ts'
import { type Copy, fileCopy, type Loaded, synced, unusable } from './file-copy.ts'
import type { Contract, Row } from './rows.ts'
import { readWrittenContract } from './schema.ts'

/** A change to keep, and the document after it, for a copy that has to write it whole; asked for before `append` ends. */
export interface Append extends ChangeRecord {
  readonly whole: () => Contract
}

/** A copy of the contract, which may take a change at the cost of the change. One call at a time. */
export interface ContractCopy extends Copy<Contract> {
  /** Fulfils once the change survives a power loss. After a rejection the copy is as it was. Absent: each is saved whole. */
  append?(change: Append): Promise<void>
  /** Resolves once nothing is being written behind a change that is kept. Never rejects. */
  idle?(): Promise<void>
}

/** Fulfils once the change is in the copy. */
export async function persist(copy: ContractCopy, change: Append): Promise<void> {
  await (copy.append === undefined ? copy.save(change.whole()) : copy.append(change))
}

/** Records that nobody has to read: as many bytes as the document has, and not less than this. */
const LEAST_COMPACTED_BYTES = 1_048_576
/** Rows that are turned to text at once, so that nothing else waits for a large document. */
const ROWS_AT_ONCE = 256

/**
 * The contract's file in a data directory, and beside it `<path>.changes`: a line for each change since. The document
 * is written anew in the background once the changes are longer than it. Docs: adr/0021-contract-by-changes.md.
 */
export function contractCopy(path: string, leastCompactedBytes = LEAST_COMPACTED_BYTES): ContractCopy {
  const folder = dirname(path)
  const changes = `${path}.changes`
  const compacted = `${path}.compacted`
  const file = fileCopy<Contract>(path, (value) => {
    const read = readWrittenContract(value)
    return 'contract' in read ? { value: read.contract } : read
  })
  /** Undefined: there is no document on disk that changes could follow. */
  let length: number | undefined
  let documentBytes = 0
  let last: Promise<unknown> = Promise.resolve()
  let compacting: Promise<void> | undefined
  /** One per document written in turn, which a compaction that began before must not undo. */
  let documents = 0

  async function load(): Promise<Loaded<Contract>> {
    const base = await file.load()
    const bytes = await readFile(changes).catch(absent)
    if (base.value === undefined) {
      if (bytes === undefined || bytes.length === 0) return base
      await rename(changes, `${changes}.unreadable`)
      return { setAside: { as: `${changes}.unreadable`, problem: `${path} is gone, which it belongs to` }, ...base }
    }
    documentBytes = (await stat(path)).size
    const { value, used, problem } = replayed(base.value, bytes ?? Buffer.alloc(0))
    if (problem !== undefined) {
      await writeDocument(value)
      await rename(changes, `${changes}.unreadable`)
      length = 0
      return { value, setAside: { as: `${changes}.unreadable`, problem } }
    }
    if (bytes !== undefined && used < bytes.length) await synced(changes, 'r+', (torn) => torn.truncate(used))
    length = used
    return { value }
  }

  async function writeTo(temporary: string, contract: Contract): Promise<number> {
    await mkdir(folder, { recursive: true })
    let written = 0
    await synced(temporary, 'w', async (into) => {
      for (const piece of piecesOf(contract)) written = await writeAt(written, Buffer.from(piece), into)
    })
    return written
  }

  async function writeDocument(contract: Contract): Promise<void> {
    documentBytes = await writeTo(`${path}.new`, contract)
    await rename(`${path}.new`, path)
    await synced(folder, 'r', async () => {})
    documents += 1
  }

  async function save(contract: Contract): Promise<void> {
    await writeDocument(contract)
    // Should this be cut short: changes of before are skipped by their revision
    await rm(changes, { force: true })
    length = 0
  }

  async function append({ from, delta, whole }: Append): Promise<void> {
    if (length === undefined) return save(whole())
    const record = writeRecord({ from, delta })
    const at = length
    try {
      await synced(changes, at === 0 ? 'w' : 'r+', async (into) => {
        await into.truncate(at) // what a write that failed has left
        await writeAt(at, record, into)
      })
      if (at === 0) await synced(folder, 'r', async () => {})
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return save(whole()) // somebody removed it
      await synced(changes, 'r+', (left) => left.truncate(at)).catch(() => undefined)
      throw error
    }
    length = at + record.length
    if (length < Math.max(leastCompactedBytes, documentBytes) || compacting !== undefined) return
    compacting = compact(whole(), length)
      .catch(() => rm(compacted, { force: true })) // a full disk: the changes stay, and the next one tries again
      .catch(() => undefined)
      .finally(() => {
        compacting = undefined
      })
  }

  /** The document first, so that a crash finds it with changes that it holds already; then the changes since, alone. */
  async function compact(contract: Contract, upTo: number): Promise<void> {
    const documentsBefore = documents
    const written = await writeTo(compacted, contract)
    await inTurn(async () => {
      const all = await readFile(changes)
      // Written whole meanwhile, or by a process that came after this one
      if (documents !== documentsBefore || all.length !== length) return rm(compacted)
      const since = all.subarray(upTo)
      await rename(compacted, path)
      await synced(folder, 'r', async () => {})
      documentBytes = written
      await synced(`${changes}.new`, 'w', (into) => into.writeFile(since))
      await rename(`${changes}.new`, changes)
      await synced(folder, 'r', async () => {})
      length = since.length
    })
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
  const told = <T>(work: () => Promise<T>) => inTurn(work).catch((error) => Promise.reject(unusable(error, path)))

  return {
    load: () => told(load),
    save: (contract) => told(() => save(contract)),
    append: (change) => told(() => append(change)),
    idle: async () => compacting,
  }
}

/** The document after the records that go beyond it. `used`: bytes of records that are whole. */
function replayed(base: Contract, bytes: Buffer): { value: Contract; used: number; problem?: string } {
  const document = createDocument(base)
  const read = readRecords(bytes)
  for (const { from, delta } of read.records) {
    const isOld =
      delta.epoch < document.epoch || (delta.epoch === document.epoch && delta.revision <= document.revision)
    if (isOld) continue
    if (from > document.revision) {
      const problem = `changes from revision ${document.revision} to ${from} are not there`
      return { value: document.contract(), used: read.bytes, problem }
    }
    document.apply(delta)
  }
  const { problem } = read
  return { value: document.contract(), used: read.bytes, ...(problem !== undefined && { problem }) }
}

function* piecesOf({ epoch, revision, routingRevision, ...rows }: Contract): Iterable<string> {
  yield `{"epoch":${epoch},"revision":${revision}`
  if (routingRevision !== undefined) yield `,"routingRevision":${routingRevision}`
  for (const kind of ROW_KINDS) {
    const all = rows[kind] as readonly Row[]
    if (kind === 'sources' && all.length === 0) continue // who reads it may know of none
    yield `,"${kind}":[`
    for (let at = 0; at < all.length; at += ROWS_AT_ONCE) {
      const piece = all.slice(at, at + ROWS_AT_ONCE).map((row) => JSON.stringify(row))
      yield `${at === 0 ? '' : ','}${piece.join(',')}`
    }
    yield ']'
  }
  yield '}'
}

/** All of it: one write may take a part, as the last one does that fits on a disk. Answers the place behind it. */
async function writeAt(place: number, bytes: Buffer, into: FileHandle): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await into.write(bytes, at, bytes.length - at, place + at)
    at += bytesWritten
  }
  return place + bytes.length
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

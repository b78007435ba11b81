import { EventingError } from '@sluice/errors'
import { serviceUnavailable } from './refusals.ts'

/** What SQLite says of a failed operation, as it crosses the thread: its extended code and its words. */
export interface StoreFault {
  readonly errcode: number
  readonly message: string
}

const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

export function faultOf(error: unknown): StoreFault {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown }
  return { errcode: typeof errcode === 'number' ? errcode : 1, message: String(message ?? error) }
}

function primary({ errcode }: StoreFault): number {
  return errcode & 0xff
}

/** After a failed write or fsync nobody knows what is on disk: the file has to be opened again. */
export function isIoFault(fault: StoreFault): boolean {
  return primary(fault) === SQLITE_IOERR
}

/** Why the file can't be opened: DATA_DIR_IN_USE or DATA_DIR_UNUSABLE. */
export function openFailure(path: string, fault: StoreFault): EventingError {
  if (primary(fault) === SQLITE_BUSY)
    return new EventingError(
      { code: 'DATA_DIR_IN_USE', dataDir: path },
      `${path} is in use by another process: stop it, or set SLUICE_DATA_DIR to another folder`,
    )
  const isDamaged = [SQLITE_CORRUPT, SQLITE_NOTADB].includes(primary(fault))
  const reason = isDamaged ? `the file is damaged (${fault.message})` : fault.message
  const fix = isDamaged ? ': restore it from a copy, or move it away to begin with no objects' : ''
  return new EventingError(
    { code: 'DATA_DIR_UNUSABLE', dataDir: path, reason },
    `${path} can't be used: ${reason}${fix}`,
  )
}

/** A write that did not reach the disk. */
export function writeFailure(fault: StoreFault): EventingError {
  if (primary(fault) === SQLITE_FULL)
    return serviceUnavailable('nothing was stored: the data directory has no space left')
  return serviceUnavailable(`nothing was stored: ${fault.message}`)
}

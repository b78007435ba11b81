import { EventingError } from '@sluice/errors'
import { DRIVER_NAME } from './config.ts'

/** What the store says of a failed operation, as it crosses the thread: SQLite's extended code and its words. */
export interface StoreFault {
  readonly errcode: number
  readonly message: string
}

const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_FULL = 13

export function faultOf(error: unknown): StoreFault {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown }
  return { errcode: typeof errcode === 'number' ? errcode : 1, message: String(message ?? error) }
}

export function isBusy(fault: StoreFault): boolean {
  return (fault.errcode & 0xff) === SQLITE_BUSY
}

/** No space, a quota, or the device failing a write: what passes once an operator makes room. */
export function isDiskFault(fault: StoreFault): boolean {
  const primary = fault.errcode & 0xff
  return primary === SQLITE_FULL || primary === SQLITE_IOERR
}

/** After a failed fsync nobody knows what is on disk: the file has to be opened and read again. */
export function isIoFault(fault: StoreFault): boolean {
  return (fault.errcode & 0xff) === SQLITE_IOERR
}

export function unavailable(fault: StoreFault): EventingError {
  const full = (fault.errcode & 0xff) === SQLITE_FULL
  return new EventingError(
    { code: 'CHANNEL_UNAVAILABLE', driver: DRIVER_NAME, reason: full ? 'disk full' : fault.message },
    full ? 'the data directory has no space left' : `the store failed: ${fault.message}`,
  )
}

export function closed(): EventingError {
  return new EventingError({ code: 'CHANNEL_CLOSED', driver: DRIVER_NAME }, 'the channel driver is closed')
}

export function unknownChannel(channel: string): EventingError {
  return new EventingError({ code: 'CHANNEL_UNKNOWN', channel }, `channel ${channel} does not exist`)
}

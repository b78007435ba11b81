import { EventingError } from '@sluice/errors'
import type { StateLimits } from './limits.ts'
import type { Handled, KeptSource, StateFault, StateReply, StateRequest } from './requests.ts'
import { stateLink } from './state-link.ts'

export interface StateStore extends AsyncDisposable {
  /** As it was opened. */
  readonly kept: readonly KeptSource[]
  /**
   * Resolves once what came of it survives a power loss; requests that come while others are being written are written
   * together. Rejects with SOURCE_STATE_UNAVAILABLE, retryable: then nothing of it counts, though some may be there.
   */
  ask(request: StateRequest): Promise<StateReply>
}

/** Rejects with DATA_DIR_IN_USE or DATA_DIR_UNUSABLE. */
export async function openStateStore(path: string, limits: StateLimits, isInThread?: boolean): Promise<StateStore> {
  const link = stateLink(path, limits, isInThread)
  const loaded = await link.load()
  if (!loaded.ok) {
    await link.close()
    throw openFailure(path, loaded.fault)
  }
  let waiting: {
    readonly request: StateRequest
    readonly answer: (reply: StateReply) => void
    readonly fail: (error: unknown) => void
  }[] = []
  let isWriting = false
  let last: Promise<unknown> = Promise.resolve()

  async function write(): Promise<void> {
    isWriting = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      const handled: Handled<readonly StateReply[]> = await link.handle(batch.map(({ request }) => request))
      batch.forEach(({ answer, fail }, i) => {
        const reply = handled.ok ? handled.value[i] : undefined
        if (reply !== undefined) answer(reply)
        else fail(unavailable(handled.ok ? NO_REPLY : handled.fault))
      })
    }
    isWriting = false
  }

  return {
    kept: loaded.value,
    ask: (request) =>
      new Promise((answer, fail) => {
        if (waiting.length >= MOST_WAITING) return fail(unavailable(TOO_MANY))
        waiting.push({ request, answer, fail })
        if (!isWriting) last = write()
      }),
    async [Symbol.asyncDispose]() {
      await last
      waiting = []
      await link.close()
    },
  }
}

const BATCH = 1_000
/** As many sources may want to write at the same full hour. */
const MOST_WAITING = 50_000
const TOO_MANY: StateFault = { errcode: 1, message: `${MOST_WAITING} requests wait to be written` }
const NO_REPLY: StateFault = { errcode: 1, message: 'the file did not answer' }
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

function primary({ errcode }: StateFault): number {
  return errcode & 0xff
}

function openFailure(path: string, fault: StateFault): EventingError {
  if (primary(fault) === SQLITE_BUSY) {
    const message = `${path} is in use by another process: stop it, or set SLUICE_DATA_DIR to another folder`
    return new EventingError({ code: 'DATA_DIR_IN_USE', dataDir: path }, message)
  }
  const isDamaged = [SQLITE_CORRUPT, SQLITE_NOTADB].includes(primary(fault))
  const reason = isDamaged ? `the file is damaged (${fault.message})` : fault.message
  const fix = isDamaged ? ': restore it from a copy, or move it away: sources then begin as new ones do' : ''
  const message = `${path} can't be used: ${reason}${fix}`
  return new EventingError({ code: 'DATA_DIR_UNUSABLE', dataDir: path, reason }, message)
}

function unavailable(fault: StateFault): EventingError {
  const isFull = primary(fault) === SQLITE_FULL
  const reason = isFull ? 'no space is left on the disk, or all sources keep as much as they may' : fault.message
  return new EventingError({ code: 'SOURCE_STATE_UNAVAILABLE', reason }, `nothing was kept of the source: ${reason}`)
}

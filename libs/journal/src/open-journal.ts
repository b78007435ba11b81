import type { Clock } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import type { Telemetry } from '@sluice/telemetry'
import { journalEvents } from './events.ts'
import { byTime, type Facts, type Journal, type JournalRecord, keyOf, lineOf, type What } from './record.ts'
import { scan, type Wanted } from './scan.ts'
import { Segments } from './segments.ts'

export interface JournalDeps {
  readonly folder: string
  /** Of all its files; at least 1 MiB. */
  readonly maxBytes: number
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Where lines go; default files in `folder`. */
  readonly segments?: Pick<Segments, 'append' | 'newestFirst'> & AsyncDisposable
}

export interface OpenJournal extends Journal, AsyncDisposable {
  /** What is kept about an id, oldest first, the records not yet written included. */
  find(wanted: Wanted): Promise<readonly JournalRecord[]>
}

const FLUSH_MS = 100
const FLUSH_CHARACTERS = 65_536
const MAX_PENDING = { records: 8_192, characters: 2 ** 20 }
/** A line longer than that is dropped, so that one write fits a segment. */
const MAX_LINE_CHARACTERS = 16_384
/** What was there when a flush was asked for is written after two; more is left to the next. */
const MAX_ROUNDS = 2
const MAX_WRITE_CHARACTERS = 32_768

/**
 * Writes behind: a record waits in memory for at most 100 ms, up to 8,192 of them and 1 MiB; what comes while that is
 * full, or what the disk refuses, is dropped and counted. A crash loses what waits. Nothing is fsynced.
 */
export function openJournal(deps: JournalDeps): OpenJournal {
  const { clock } = deps
  const events = journalEvents(deps)
  const segments = deps.segments ?? new Segments(deps)
  let pending: string[] = []
  let characters = 0
  let timer: Disposable | undefined
  let writing: Promise<void> | undefined

  const flush = (): Promise<void> => {
    timer?.[Symbol.dispose]()
    timer = undefined
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }
  const write = async () => {
    for (let round = 0; pending.length > 0 && round < MAX_ROUNDS; round++) {
      const lines = pending
      pending = []
      characters = 0
      for (const chunk of chunksOf(lines)) {
        try {
          await segments.append(Buffer.from(chunk.join('')))
          events.written(chunk.length)
        } catch (error) {
          events.dropped(chunk.length, 'write-failed', error)
        }
      }
    }
    if (pending.length > 0) timer ??= clock.after(0, () => void flush())
  }

  return {
    record<W extends What>(what: W, queues: string, event: CloudEvent, facts: Facts[W], atMs = clock.now()) {
      if (pending.length >= MAX_PENDING.records || characters >= MAX_PENDING.characters)
        return events.dropped(1, 'buffer-full')
      const line = lineOf(atMs, what, queues, event, facts)
      if (line.length > MAX_LINE_CHARACTERS) return events.dropped(1, 'buffer-full')
      pending.push(line)
      characters += line.length
      if (characters >= FLUSH_CHARACTERS) void flush()
      else timer ??= clock.after(FLUSH_MS, () => void flush())
    },
    async find(wanted) {
      await flush()
      const source = wanted.source === undefined ? undefined : keyOf(wanted.source)
      return (await scan(await segments.newestFirst(), { ...wanted, source })).toSorted(byTime)
    },
    async [Symbol.asyncDispose]() {
      await flush()
      await segments[Symbol.asyncDispose]()
    },
  }
}

function* chunksOf(lines: readonly string[]): Generator<readonly string[]> {
  let chunk: string[] = []
  let characters = 0
  for (const line of lines) {
    if (characters + line.length > MAX_WRITE_CHARACTERS && chunk.length > 0) {
      yield chunk
      chunk = []
      characters = 0
    }
    chunk.push(line)
    characters += line.length
  }
  if (chunk.length > 0) yield chunk
}

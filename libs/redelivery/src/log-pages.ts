import type { ChannelDriver, Position, Stored } from '@sluice/channel'
import { eventBytes } from '@sluice/cloudevents'
import { EventingError } from '@sluice/errors'

const PAGE_EVENTS = 256
const PAGE_BYTES = 4_194_304

/** Where a replay begins and ends. The end is before a time and, where one is named, with a position. */
export interface Window {
  readonly from: Position | Date
  readonly before: Date
  readonly upTo?: Position | undefined
}

export type LogReader = Pick<ChannelDriver, 'read' | 'beginning'>

/** Does it again while it fails with what may pass. */
export type Insist = <T>(work: () => Promise<T>) => Promise<T>

/**
 * What a log holds of a window, in pages, without gaps: rejects with WINDOW_CUT where retention was faster. Retention
 * cuts beginnings only, so what lies behind an entry that is still there is whole.
 */
export async function* logPages(
  { driver, insist }: { readonly driver: LogReader; readonly insist: Insist },
  channel: string,
  { from, before, upTo }: Window,
  signal: AbortSignal,
): AsyncGenerator<readonly Stored[]> {
  for (let at = from, isFirst = true; ; isFirst = false) {
    const start = at
    const read = await insist(() => wholePage(driver, channel, start, signal))
    if (signal.aborted || read.length === 0) return
    const isNew = isFirst ? read : read.slice(1)
    const page = untilEnd(isNew, before, upTo)
    if (page.length > 0) yield page
    const last = isNew.at(-1)
    if (last === undefined || page.length < isNew.length || last.position === upTo) return
    at = last.position
  }
}

/** Rejects with WINDOW_CUT when what was stored from `from` on may be gone. */
export async function checkStart(driver: LogReader, channel: string, from: Date): Promise<void> {
  const { oldest, isCut } = await driver.beginning(channel)
  if (isCut && (oldest === undefined || oldest.storedAt >= from.getTime())) throw cutAt(oldest)
}

/** The entry at a position. Rejects with WINDOW_CUT where none is. */
export async function entryAt(
  driver: LogReader,
  channel: string,
  position: Position,
  signal: AbortSignal,
): Promise<Stored> {
  for await (const stored of driver.read(channel, position, signal)) {
    if (stored.position === position) return stored
    break
  }
  throw await windowCut(driver, channel)
}

export async function windowCut(driver: LogReader, channel: string): Promise<EventingError> {
  return cutAt((await driver.beginning(channel)).oldest)
}

function cutAt(oldest: { readonly position: Position; readonly storedAt: number } | undefined): EventingError {
  const told = oldest && { position: oldest.position, storedAt: new Date(oldest.storedAt).toISOString() }
  const begins =
    told === undefined ? 'the log is empty now' : `the log begins at position ${told.position}, stored ${told.storedAt}`
  const message = `the log does not hold this window, or not all of it any more: ${begins}`
  return new EventingError({ code: 'WINDOW_CUT', oldest: told ?? null }, message)
}

/** A page behind which nothing was cut while it was read. */
async function wholePage(driver: LogReader, channel: string, at: Position | Date, signal: AbortSignal) {
  const page = await pageFrom(driver, channel, at, signal)
  const [first] = page
  if (signal.aborted) return []
  if (at instanceof Date) await checkStart(driver, channel, at)
  else if (first?.position !== at) throw await windowCut(driver, channel)
  if (first === undefined || page.length === 1 || (await isThere(driver, channel, first.position, signal))) return page
  throw await windowCut(driver, channel)
}

async function pageFrom(driver: LogReader, channel: string, from: Position | Date, signal: AbortSignal) {
  const page: Stored[] = []
  let bytes = 0
  for await (const stored of driver.read(channel, from, signal)) {
    page.push(stored)
    bytes += eventBytes(stored.event)
    if (page.length >= PAGE_EVENTS || (bytes >= PAGE_BYTES && page.length > 1)) break
  }
  return page
}

async function isThere(driver: LogReader, channel: string, position: Position, signal: AbortSignal): Promise<boolean> {
  for await (const stored of driver.read(channel, position, signal)) return stored.position === position
  return signal.aborted
}

function untilEnd(page: readonly Stored[], before: Date, upTo: Position | undefined): readonly Stored[] {
  const late = page.findIndex(({ storedAt }) => storedAt >= before.getTime())
  const whole = late < 0 ? page : page.slice(0, late)
  const end = whole.findIndex(({ position }) => position === upTo)
  return end < 0 ? whole : whole.slice(0, end + 1)
}

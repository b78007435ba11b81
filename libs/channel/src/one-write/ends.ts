import type { Delivery, Entry } from '../port.ts'

/** How a consumer ended its hand-out. */
export type End =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly delayMs: number; readonly note: string | undefined }
  | { readonly kind: 'release'; readonly delayMs: number }
  | { readonly kind: 'park'; readonly reason: string; readonly note: string | undefined }

export const ACK: End = { kind: 'ack' }
export const DONE: Promise<void> = Promise.resolve()

/** Ends a delivery of the store like this. */
export function endCopy(copy: Delivery, end: End): Promise<void> {
  switch (end.kind) {
    case 'ack':
      return copy.ack()
    case 'nack':
      return copy.nack(end.delayMs, end.note)
    case 'release':
      return copy.release(end.delayMs)
    case 'park':
      return copy.park(end.reason, end.note)
  }
}

/** What is written of an entry that was not stored when it ended like this. */
export function rewritten(entry: Entry, end: Exclude<End, { kind: 'ack' }>, now: number): Entry {
  if (end.kind === 'park') return { ...entry, parked: end.reason, ...noted(end.note) }
  // Without a time it is stored like any other, behind what is older and before what is younger
  if (end.kind === 'release' && !(end.delayMs > 0)) return entry
  const notBefore = now + Math.max(0, end.delayMs)
  if (end.kind === 'release') return { ...entry, notBefore }
  const { note: _, ...rest } = entry
  return { ...rest, ...noted(end.note), notBefore, attempt: (entry.attempt ?? 1) + 1 }
}

function noted(note: string | undefined): { note?: string } {
  return note === undefined ? {} : { note }
}

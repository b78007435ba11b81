import type { Item } from './item.ts'

/**
 * How far a lane's owner is, as its successor finds it. `handed` is the highest place handed out; of those up to it,
 * `open` names what has not ended, and everything behind it is fresh.
 */
export interface Cursor {
  /** Null: given up in order. */
  readonly owner: string | null
  readonly handed: number
  readonly open: readonly Open[]
  /** Of what waits aside: what is out, or was when an owner died. */
  readonly suspects: readonly Suspect[]
  /** Copies aside that are done with and may still be there. */
  readonly gone: readonly number[]
  /** What waits aside. */
  readonly events: number
  readonly bytes: number
}

export interface Open {
  readonly seq: number
  readonly isOut: boolean
  readonly handOuts: number
  readonly bytes: number
}

export interface Suspect {
  readonly id: string
  readonly isOut: boolean
  readonly handOuts: number
}

export const NO_CURSOR: Cursor = { owner: null, handed: 0, open: [], suspects: [], gone: [], events: 0, bytes: 0 }

/** A cursor has to fit a message; a place that is left out is handed out again if its lane moves before it is deleted. */
const MOST_GONE = 4_096

/** Places as differences, three numbers each, so that thousands stay a few kilobytes. */
interface Written {
  readonly owner: string | null
  readonly handed: number
  readonly open: readonly number[]
  readonly suspects: readonly (readonly [string, 0 | 1, number])[]
  /** Absent in cursors of earlier versions. */
  readonly gone?: readonly number[]
  readonly events: number
  readonly bytes: number
}

export interface CursorFacts {
  readonly owner: string | null
  readonly handed: number
  readonly open: Iterable<Item>
  readonly aside: Iterable<Item>
  readonly gone: Iterable<number>
  readonly events: number
  readonly bytes: number
}

/** `isGivenBack`: nothing is out any more. */
export function writeCursor(facts: CursorFacts, isGivenBack: boolean): string {
  const { owner, handed, events, bytes } = facts
  const flat: number[] = []
  let before = 0
  for (const item of sorted(facts.open)) {
    if (item.seq > handed) break
    flat.push(item.seq - before, item.handOuts * 2 + (item.isOut && !isGivenBack ? 1 : 0), item.bytes)
    before = item.seq
  }
  const suspects: [string, 0 | 1, number][] = []
  for (const { id, isOut, handOuts } of facts.aside) suspects.push([id, isOut && !isGivenBack ? 1 : 0, handOuts])
  const written: Written = {
    owner,
    handed,
    open: flat,
    suspects,
    gone: [...facts.gone].slice(-MOST_GONE),
    events,
    bytes,
  }
  return JSON.stringify(written)
}

export function readCursor(text: string): Cursor {
  const { open, suspects, gone = [], ...rest } = JSON.parse(text) as Written
  const list: Open[] = []
  let seq = 0
  for (let i = 0; i < open.length; i += 3) {
    seq += open[i] as number
    const state = open[i + 1] as number
    list.push({ seq, isOut: state % 2 === 1, handOuts: state >> 1, bytes: open[i + 2] as number })
  }
  return {
    ...rest,
    gone,
    open: list,
    suspects: suspects.map(([id, out, handOuts]) => ({ id, isOut: out === 1, handOuts })),
  }
}

function sorted(items: Iterable<Item>): Item[] {
  const list = [...items]
  for (let i = 1; i < list.length; i++) {
    if ((list[i - 1] as Item).seq > (list[i] as Item).seq) return list.sort((a, b) => a.seq - b.seq)
  }
  return list
}

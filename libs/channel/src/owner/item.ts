import type { Envelope } from '../port.ts'
import type { Lane } from './lane.ts'

/** One entry in a lane that this process owns. */
export interface Item {
  /** The position it is known by outside, wherever its newest copy lies. */
  readonly id: string
  /** Place in its lane where it was published; 0 if it never was there. */
  readonly seq: number
  /** Older ones have less, in any lane. */
  readonly age: number
  readonly lane: Lane
  readonly queue: string
  readonly storedAt: number
  readonly dedupKey: string | undefined
  readonly bytes: number
  /** Place of its copy aside; 0 while it lies where it was published. */
  aside: number
  attempt: number
  /** Times handed out before with no outcome. */
  handOuts: number
  note: string | undefined
  due: number
  /** Undefined: it has to be fetched first. */
  envelope: Envelope | undefined
  isOut: boolean
  /** Being written aside, not handed out meanwhile. */
  isMoving: boolean
  /** Its content is in memory and it is not out: it takes room. */
  isCounted: boolean
}

export type ItemFacts = Omit<Item, 'isOut' | 'isMoving' | 'isCounted'>

export function itemOf(facts: ItemFacts): Item {
  return { ...facts, isOut: false, isMoving: false, isCounted: false }
}

const LAST_TIME = 8.64e15

/** Whole milliseconds, never early; a delay that is no number is none. */
export function dueAt(now: number, delayMs: number): number {
  return Math.min(Math.ceil(now + (Number.isNaN(delayMs) ? 0 : Math.max(delayMs, 0))), LAST_TIME)
}

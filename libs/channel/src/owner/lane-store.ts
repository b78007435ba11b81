import type { Clock } from '@sluice/clock'
import type { ChannelKind, Envelope, Position } from '../port.ts'
import type { Item } from './item.ts'

/** An entry as a driver reads it. */
export interface StoredEntry {
  readonly envelope: Envelope
  readonly dedupKey: string | undefined
  readonly queue: string
  readonly attempt: number
  readonly note: string | undefined
  readonly notBefore: number | undefined
  readonly place: Place | undefined
  /** Of the event; the same however often it was moved. */
  readonly bytes: number
}

/** What an entry that was moved aside or parked carries along. */
export interface Place {
  /** The position it is known by. */
  readonly id: Position
  readonly lane: number
  readonly storedAt: number
  readonly handOuts: number
  readonly due: number
  readonly reason?: string
}

/** Something that lies in a lane: `decode` throws for what is no entry. */
export interface Arrival {
  /** Its place in the lane; later ones have higher ones. Above 0. */
  readonly seq: number
  readonly id: Position
  readonly age: number
  readonly storedAt: number
  readonly decode: () => StoredEntry
}

export interface LaneSink {
  /** How many more may come now. */
  readonly room: () => number
  readonly onEntry: (lane: number, arrival: Arrival) => void
  /** What was there has come. May be said again. */
  readonly onCaughtUp: () => void
}

export interface LaneReader extends Disposable {
  /** There is more room. */
  pull(): void
}

/** What waits aside, as a successor finds it. */
export interface Waiting {
  readonly place: number
  readonly decode: () => StoredEntry
}

/** Put back by an operator, and nobody's yet. */
export interface Redriven {
  readonly lane: number
  readonly place: number
  readonly decode: () => StoredEntry
  /** Stores it as waiting aside in a lane that is held, and removes it from the redriven. Answers where. */
  readonly adopt: (grip: Grip) => Promise<number>
}

/** One lane, held by one member until another takes it. Places aside are numbers of the store's own. */
export interface Grip extends Disposable {
  /** As the last owner left it. */
  readonly cursor: string | undefined
  /** No place in the lane is higher now. */
  readonly end: number
  /** Called when another has it, by stores that notice. */
  onLost: () => void
  /** Stores the cursor, and that everything up to `passed` has ended or waits aside. False: another has the lane. */
  write(cursor: string, passed: number): Promise<boolean>
  asides(): AsyncIterable<Waiting>
  /** Whether anything lies there from a place on. */
  hasFrom(seq: number): Promise<boolean>
  /** From where on what has ended may still be repeated. */
  historyFrom(seq: number): Promise<number>
  /** Stores the item as it is now, waiting aside; answers where. Its copy before is removed by `remove`. */
  keep(item: Item): Promise<number>
  park(item: Item, reason: string): Promise<void>
  remove(place: number): Promise<void>
  /** What lies aside; undefined for what is gone. */
  contents(places: readonly number[]): Promise<readonly (Envelope | undefined)[]>
}

export interface MemberSink {
  /** A member says that it lives, or (false) that it leaves. */
  readonly onMember: (member: string, isThere: boolean) => void
  readonly onMoved: () => void
}

/** What one subscription of a channel needs of a backend so that its lanes can be owned in memory. */
export interface LaneStore {
  readonly clock: Clock
  readonly kind: ChannelKind
  readonly lanes: number
  /** True: an entry may lie there twice, in a log too. */
  readonly repeats: boolean
  /** True: all lanes can be read as one, in the order of publishing. */
  readonly readsTogether: boolean
  readonly isUp: boolean
  onUp(callback: () => void): Disposable
  isUnavailable(error: unknown): boolean
  /** A failure that may pass. */
  unavailable(reason: string): Error
  placeOf(id: Position): { readonly seq: number; readonly age: number }
  read(lane: number | '*', from: number, sink: LaneSink): LaneReader
  /** Undefined if who has it must keep it, or another was first. At the first write at the latest nobody else has it. */
  take(lane: number, member: string, mayTake: (owner: string) => boolean): Promise<Grip | undefined>
  redriven(sink: (each: Redriven) => void): Disposable
  /** Tells who is there, oneself included, from the beginning on. */
  members(sink: MemberSink): Disposable
  newMember(): string
  beat(member: string): Promise<void>
  leave(member: string): Promise<void>
  /** Forgets what a member that is gone said of itself. */
  forget(member: string): Promise<void>
  /** Tells the others that a lane was taken or is free. */
  moved(lane: number): Promise<void>
}

/** What happens in an owner that nobody above can see. */
export interface OwnerEvents {
  skipped(lane: number, seq: number, error: unknown): void
  repeated(): void
  taken(lane: number): void
  lost(lane: number): void
  failed(what: string, error: unknown): void
}

import { type Backlog, type ChannelKind, type Cursor, type Lane, NO_CURSOR, readCursor } from '@sluice/channel'
import { scan } from './fetcher.ts'
import type { KafkaGrip } from './grip.ts'
import { Fold, type Kept, Keys } from './journal.ts'
import type { Link } from './link.ts'
import type { ChannelNames } from './names.ts'

/** What this process knows of a lane it owns. */
export interface OwnedLane {
  readonly lane: Lane
  readonly grip: KafkaGrip
  readonly backlogOf: (queue: string | undefined) => Backlog
}

export interface ReadDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly kind: ChannelKind
  readonly lanes: number
  readonly subscription: string
  readonly ownedLane: (lane: number) => OwnedLane | undefined
}

/** How far a lane is, from outside: its owner's cursor, and what lies in its journal. */
export interface LaneState {
  readonly cursor: Cursor
  readonly asides: readonly Kept[]
  readonly redriven: readonly Kept[]
}

/** Of a lane that nobody here owns. */
export async function stateOf(lane: number, { link, names, subscription }: ReadDeps): Promise<LaneState> {
  const fold = new Fold(new Keys(subscription))
  const end = await link.end(names.lanes, lane)
  const beginning = await link.beginning(names.lanes, lane)
  for await (const record of scan(link, names.lanes, lane, beginning, end)) fold.take(record)
  const cursor = fold.cursor === undefined ? NO_CURSOR : readCursor(fold.cursor)
  const gone = new Set(cursor.gone)
  const asides = [...fold.asides.values()].filter(({ offset }) => !gone.has(offset + 1))
  return { cursor, asides, redriven: [...fold.redriven.values()] }
}

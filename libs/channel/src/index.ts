export { refuseWishes } from './backend-wishes.ts'
export { consume } from './consume.ts'
export { InFlight } from './in-flight.ts'
export { laneKeyOf, laneOf } from './lane.ts'
export { oneWrite } from './one-write/one-write.ts'
export { Consumer } from './owner/consumer.ts'
export { type Cursor, NO_CURSOR, readCursor } from './owner/cursor.ts'
export type { Item } from './owner/item.ts'
export type { Lane } from './owner/lane.ts'
export type {
  Arrival,
  Grip,
  LaneReader,
  LaneSink,
  LaneStore,
  MemberSink,
  OwnerEvents,
  Place,
  Redriven,
  StoredEntry,
  Waiting,
} from './owner/lane-store.ts'
export { REMEMBERED_KEYS, SeenKeys } from './owner/seen-keys.ts'
export { Turns } from './owner/turns.ts'
export type {
  BackendWishes,
  Backlog,
  Beginning,
  ChannelCapabilities,
  ChannelDriver,
  ChannelKind,
  ChannelOptions,
  Delivery,
  Durability,
  Entry,
  Envelope,
  Parked,
  ParkedQuery,
  Position,
  Stored,
  SubscribeOptions,
  Subscription,
} from './port.ts'
export { sideBySide } from './side-by-side.ts'

export { consume } from './consume.ts'
export { InFlight } from './in-flight.ts'
export { laneKeyOf, laneOf } from './lane.ts'
export { oneWrite } from './one-write/one-write.ts'
export type {
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

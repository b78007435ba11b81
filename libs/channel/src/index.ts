export { laneOf } from './lane.ts'
export type {
  Backlog,
  ChannelCapabilities,
  ChannelDriver,
  ChannelKind,
  ChannelOptions,
  Delivery,
  Durability,
  Entry,
  Envelope,
  Parked,
  Position,
  Stored,
  SubscribeOptions,
  Subscription,
} from './port.ts'

export {
  type BrokerSettings,
  brokerSettings,
  type Reading,
  type TriggerSettings,
  triggerSettings,
} from './annotations.ts'
export {
  type BrokerDefaults,
  type ChannelDefaults,
  type ChannelTemplate,
  type LabelSelector,
  readBrokerDefaults,
  readChannelDefaults,
  readChannelTemplate,
  readFeatures,
  readSugar,
  type SugarSettings,
  selects,
} from './config-maps.ts'
export { deliverySpec, triggerFilter } from './delivery.ts'

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
  readPingDefaults,
  readSugar,
  type SugarSettings,
  selects,
} from './config-maps.ts'
export { deliverySpec, SOURCE_DELIVERY, triggerFilter } from './delivery.ts'
export {
  KAFKA_SECRET,
  KAFKA_SECRET_KEYS,
  type KafkaSecret,
  type KafkaSettings,
  readKafkaSecret,
  readKafkaSettings,
} from './kafka.ts'
export { apiServerSource, ceOverrides, gitHubSource, kafkaSource, pingSource, unknownKeyType } from './sources.ts'

import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import { checkOptions, DEFAULT_REQUEST_MS, type KafkaOptions } from './config.ts'

const CONNECT_MS = 2_000
/** Within a publisher's patience; what fails then is told, and repeated by who published. */
export const RETRY = { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 }

/** A client that speaks to nobody yet. Throws CONFIG_INVALID. */
export function clientOf(options: KafkaOptions): Kafka {
  const brokers = checkOptions(options).map(({ host, port }) => `${host}:${port}`)
  const { telemetry, sasl, tls, clientId = 'sluice', requestMs = DEFAULT_REQUEST_MS } = options
  const config: KafkaConfig = {
    brokers,
    clientId,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: requestMs,
    requestTimeout: requestMs,
    enforceRequestTimeout: true,
    retry: RETRY,
    logLevel: logLevel.WARN,
    // Whoever asked is told of every failure; the client's own words about it are for looking closer
    logCreator:
      () =>
      ({ namespace, log: { message, timestamp: _, ...fields } }) =>
        telemetry.log.debug({ ...fields, namespace, said: message }, 'the Kafka client says'),
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(sasl === undefined
      ? {}
      : { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password } as SASLOptions }),
  }
  return new Kafka(config)
}

import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { type ISocketFactory, Kafka, type KafkaConfig, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs'
import { checkOptions, DEFAULT_REQUEST_MS, type KafkaOptions } from '../../config.ts'
import { readEveryCompression } from './codecs.ts'

const CONNECT_MS = 2_000
/** Within a publisher's patience; what fails then is told, and repeated by who published. */
export const RETRY = { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 }

/**
 * A client that speaks to nobody yet, and puts every socket that is open into `sockets`: it forgets those whose broker
 * was silent. Once it has `ended` no more are made. Throws CONFIG_INVALID.
 */
export function clientOf(
  options: KafkaOptions,
  retry: RetryOptions = RETRY,
  sockets: Set<Socket> = new Set(),
  ended?: AbortSignal,
): Kafka {
  const seeds = checkOptions(options).map(({ host, port }) => `${host}:${port}`)
  let turn = 0
  readEveryCompression()
  const { telemetry, sasl, tls, clientId = 'sluice', requestMs = DEFAULT_REQUEST_MS } = options
  const config: KafkaConfig = {
    // The next at each try: left to itself the client begins with the first, which may be silent
    brokers: () => [seeds[turn++ % seeds.length] ?? ''],
    clientId,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: requestMs,
    requestTimeout: requestMs,
    enforceRequestTimeout: true,
    retry,
    socketFactory: socketsOf(options, sockets, ended),
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

const KEEP_ALIVE_MS = 60_000

function socketsOf(
  { reach = (broker) => broker }: KafkaOptions,
  sockets: Set<Socket>,
  ended?: AbortSignal,
): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    ended?.throwIfAborted()
    const reached = reach({ host, port })
    const socket =
      ssl === undefined || ssl === null
        ? connectPlain(reached, onConnect)
        : connectSecurely({ ...(isIP(host) === 0 && { servername: host }), ...reached, ...ssl }, onConnect)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket.setKeepAlive(true, KEEP_ALIVE_MS)
  }
}

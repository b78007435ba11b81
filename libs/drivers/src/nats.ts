import type { NatsOptions } from '@sluice/channel-nats'
import { boolean, type ConfigOf, durationMs, type Field, fileText, integer, type Rules, text } from '@sluice/config'
import type { DriverDeps, OpenedDriver } from './driver.ts'

const optional = { fallback: undefined } as const
const secret = { fallback: undefined, isSecret: true } as const

/** Named as the `nats` command line has them, where it has them. */
export const natsConfig = {
  natsUrl: serverUrls('NATS_URL'),
  natsCreds: fileText('NATS_CREDS', { ...optional, meaning: 'credentials file (JWT and seed)' }),
  natsNkey: fileText('NATS_NKEY', { ...optional, meaning: 'file with the seed of an nkey' }),
  natsUser: text('NATS_USER', { ...optional, meaning: 'user; with a password' }),
  natsPassword: text('NATS_PASSWORD', { ...secret, meaning: 'its password' }),
  natsPasswordFile: fileText('NATS_PASSWORD_FILE', { ...optional, meaning: 'file that holds it' }),
  natsToken: text('NATS_TOKEN', { ...secret, meaning: 'token, instead of user and password' }),
  natsTokenFile: fileText('NATS_TOKEN_FILE', { ...optional, meaning: 'file that holds it' }),
  natsCa: fileText('NATS_CA', {
    ...optional,
    meaning:
      'PEM file of who signed the certificates of the servers, where the system does not know them; asks for TLS',
  }),
  natsCert: fileText('NATS_CERT', { ...optional, meaning: 'PEM file: certificate of this client; asks for TLS' }),
  natsKey: fileText('NATS_KEY', { ...optional, meaning: 'PEM file: its key' }),
  natsReplicas: integer('NATS_REPLICAS', {
    ...{ min: 1, max: 5, fallback: 1 },
    meaning: 'copies of each stream in the cluster, the same at every service',
  }),
  natsSyncAlways: boolean('NATS_SYNC_ALWAYS', {
    fallback: false,
    meaning: 'every server is known to run with sync_interval: always, so that events survive power loss',
  }),
  natsPrefix: subjectToken('NATS_PREFIX'),
  natsLeaseMs: durationMs('NATS_LEASE_MS', {
    ...{ min: 1_000, max: 300_000, fallback: 10_000 },
    meaning: 'how long lanes stay with a replica that is not heard of, the same at every service',
  }),
}

export const natsRules: Rules<typeof natsConfig> = (_config, isSet) => {
  const given = [...AUTHENTICATIONS].filter(([, names]) => names.some(isSet)).map(([kind]) => kind)
  return [
    ...(isSet('NATS_URL') ? [] : ['NATS_URL: is required by the driver nats, such as nats://127.0.0.1:4222']),
    ...(given.length > 1
      ? [`${AUTHENTICATIONS.get(given[0] ?? '')?.find(isSet)}: choose one of ${given.join(', ')}`]
      : []),
    ...PAIRS.filter(([name, with_]) => isSet(name) && !with_.some(isSet)).map(
      ([name, with_]) => `${name}: needs ${with_.join(' or ')} beside it`,
    ),
    ...TWICE.filter((names) => names.every(isSet)).map(([a, b]) => `${b}: is set beside ${a}: unset one of them`),
  ]
}

const AUTHENTICATIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['credentials', ['NATS_CREDS']],
  ['an nkey', ['NATS_NKEY']],
  ['user and password', ['NATS_USER', 'NATS_PASSWORD', 'NATS_PASSWORD_FILE']],
  ['a token', ['NATS_TOKEN', 'NATS_TOKEN_FILE']],
])
const PAIRS: readonly (readonly [string, readonly string[]])[] = [
  ['NATS_USER', ['NATS_PASSWORD', 'NATS_PASSWORD_FILE']],
  ['NATS_PASSWORD', ['NATS_USER']],
  ['NATS_PASSWORD_FILE', ['NATS_USER']],
  ['NATS_CERT', ['NATS_KEY']],
  ['NATS_KEY', ['NATS_CERT']],
]
const TWICE: readonly (readonly [string, string])[] = [
  ['NATS_PASSWORD', 'NATS_PASSWORD_FILE'],
  ['NATS_TOKEN', 'NATS_TOKEN_FILE'],
]

/** Resolves at once, also while no server answers: then `ready` says so. Rejects with SERVER_UNSUPPORTED. */
export async function openNats(config: ConfigOf<typeof natsConfig>, deps: DriverDeps): Promise<OpenedDriver> {
  const { openNatsDriver } = await import('@sluice/channel-nats')
  const driver = await openNatsDriver(natsOptions(config, deps))
  return {
    driver,
    ready() {
      const { connection } = driver
      return connection.state === 'connected' ? undefined : connection.reason
    },
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

export function natsOptions(config: ConfigOf<typeof natsConfig>, deps: DriverDeps): NatsOptions {
  const {
    natsUrl: url = '',
    natsReplicas: replicas,
    natsSyncAlways: syncAlways,
    natsPrefix: prefix,
    natsLeaseMs: leaseMs,
  } = config
  const auth = authOf(config)
  const tls = tlsOf(config)
  const { clock, telemetry, name } = deps
  return {
    ...{ url, clock, telemetry, replicas, syncAlways, prefix, leaseMs, connectionName: `sluice-${name}` },
    ...(auth && { auth }),
    ...(tls && { tls }),
  }
}

function authOf(config: ConfigOf<typeof natsConfig>): NatsOptions['auth'] {
  const { natsCreds, natsNkey, natsUser } = config
  const password = config.natsPassword ?? config.natsPasswordFile
  const token = config.natsToken ?? config.natsTokenFile
  // The format of credentials ends in a newline
  if (natsCreds !== undefined) return { kind: 'credentials', credentials: `${natsCreds}\n` }
  if (natsNkey !== undefined) return { kind: 'nkey', seed: natsNkey }
  if (natsUser !== undefined && password !== undefined) return { kind: 'password', user: natsUser, password }
  if (token !== undefined) return { kind: 'token', token }
  return undefined
}

function tlsOf({ natsCa: ca, natsCert: cert, natsKey: key }: ConfigOf<typeof natsConfig>): NatsOptions['tls'] {
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
}

/** Never shown in a message: people put passwords into it. */
function serverUrls(name: string): Field<string | undefined> {
  const urls = text(name, {
    ...secret,
    meaning: 'servers of one cluster, separated by commas: nats://host:4222, or tls://host:4222 where TLS is a must',
  })
  return {
    ...urls,
    parse(value) {
      const servers = value.split(',').map((server) => URL.parse(server.trim()))
      if (servers.some((url) => url === null || !/^(nats|tls):$/.test(url.protocol) || url.hostname === ''))
        return { problem: 'is not a list of URLs such as nats://host:4222 or tls://host:4222' }
      if (servers.some((url) => url?.username !== '' || url.password !== ''))
        return { problem: 'holds credentials: they go into NATS_USER and NATS_PASSWORD, NATS_TOKEN or a file' }
      return urls.parse(value)
    },
  }
}

function subjectToken(name: string): Field<string> {
  const token = text(name, {
    fallback: 'sluice',
    meaning: 'first part of every subject and stream: tells installations on one cluster apart',
  })
  return {
    ...token,
    parse: (value) =>
      /^[A-Za-z0-9_-]{1,64}$/.test(value) ? { value } : { problem: 'is not 1 to 64 letters, digits, - and _' },
  }
}

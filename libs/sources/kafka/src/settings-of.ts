import { createSecureContext } from 'node:tls'
import type { KafkaSourceRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { FollowingSource } from '@sluice/source-runtime'
import type { GroupSettings } from './record-group.ts'

const MECHANISMS = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
} as const
const ADDRESS = /^(\[[\da-fA-F:]+\]|[^\s,:@/[\]]+):\d{1,5}$/

/**
 * How the source's cluster is reached, with what its Secrets hold. Rejects with SOURCE_SECRET_MISSING, or REQUEST_INVALID
 * with every problem and no word of what is secret.
 */
export async function settingsOf(
  source: Pick<FollowingSource<KafkaSourceRow>, 'row' | 'secret'>,
): Promise<GroupSettings> {
  const { row } = source
  const { secrets = {}, topics, consumerGroup: groupId } = row
  const value = async (name: keyof typeof secrets) =>
    secrets[name] === undefined ? undefined : (await source.secret(name)).trim()
  const problems: string[] = []
  // Knative's guides write several into one
  const brokers = row.bootstrapServers.flatMap((text) => text.split(',').map((each) => each.trim()))
  if (!brokers.every((each) => ADDRESS.test(each))) problems.push('spec.bootstrapServers: each looks like host:9092')

  const user = row.sasl ? await value('saslUser') : undefined
  const password = row.sasl && secrets.saslPassword !== undefined ? await source.secret('saslPassword') : undefined
  const mechanism = row.sasl ? mechanismOf((await value('saslType')) ?? 'PLAIN') : undefined
  if (row.sasl) {
    if (!user || !password) problems.push('spec.net.sasl: its Secrets hold no user, or no password')
    if (mechanism === undefined) {
      const known = Object.keys(MECHANISMS).join(', ')
      problems.push(`spec.net.sasl.type: its Secret holds a mechanism that is not supported, use one of ${known}`)
    }
  }
  const [ca, cert, key] = row.tls
    ? [await value('tlsCaCert'), await value('tlsCert'), await value('tlsKey')]
    : [undefined, undefined, undefined]
  // Node takes any text for an authority, and knows nobody by it
  if (ca !== undefined && !(ca.includes('-----BEGIN') && isReadable({ ca }))) {
    problems.push('spec.net.tls.caCert: its Secret holds no certificate in PEM')
  }
  if ((cert !== undefined || key !== undefined) && !isReadable({ cert, key })) {
    problems.push('spec.net.tls: its Secrets hold a certificate and a key that are not PEM, or not of each other')
  }
  if (problems.length > 0) throw new EventingError({ code: 'REQUEST_INVALID', problems }, problems.join('; '))
  return {
    ...{ brokers, groupId, topics },
    ...(row.sasl && user && password && mechanism && { sasl: { mechanism, user, password } }),
    ...(row.tls && { tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } }),
  }
}

function mechanismOf(text: string): (typeof MECHANISMS)[keyof typeof MECHANISMS] | undefined {
  const name = text.toUpperCase()
  return Object.hasOwn(MECHANISMS, name) ? MECHANISMS[name as keyof typeof MECHANISMS] : undefined
}

function isReadable(context: { ca?: string; cert?: string | undefined; key?: string | undefined }): boolean {
  if ((context.cert === undefined) !== (context.key === undefined)) return false
  try {
    createSecureContext(context as Parameters<typeof createSecureContext>[0])
    return true
  } catch {
    return false
  }
}

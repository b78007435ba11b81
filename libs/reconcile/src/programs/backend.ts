import type { LogRow } from '@sluice/contract'
import { type FailureCode, isFailure } from '@sluice/errors'
import { type Condition, isFalse, isUnknown } from './conditions.ts'
import type { Context } from './context.ts'
import type { WantedLog } from './deps.ts'

const KAFKA = 'kafka'
const LOOK_AGAIN_MS = 2_000

/** Kafka stores what this driver does; absent: the default one. */
export function isOnKafka({ drivers }: Pick<Context, 'drivers'>, driver: string | undefined): boolean {
  return (driver ?? drivers.default) === KAFKA
}

/** Names of topics as Knative has them. Source: knative-extensions/eventing-kafka-broker control-plane/config, config-kafka-features. */
export function brokerTopic({ namespace, name }: Place): string {
  return `knative-broker-${namespace}-${name}`
}

export function channelTopic({ namespace, name }: Place): string {
  return `knative-messaging-kafka.${namespace}.${name}`
}

interface Place {
  readonly namespace: string
  readonly name: string
}

/** Without what is not said. */
export function wishes(
  name: string,
  isExternal: boolean,
  replicas: number | undefined,
): NonNullable<LogRow['backend']> {
  return { name, ...(isExternal && { isExternal }), ...(replicas !== undefined && !isExternal && { replicas }) }
}

const REASONS: Partial<Record<FailureCode, string>> = {
  CHANNEL_UNKNOWN: 'TopicNotFound',
  CHANNEL_CONFLICT: 'TopicConflict',
}

/** Why the backend can't give a new log what it asks for, as a condition of that type; it may later: then it is looked at again. */
export async function checked(
  { checkLog }: Pick<Context, 'checkLog'>,
  type: string,
  log: WantedLog,
  fix: string,
): Promise<{ readonly condition: Condition; readonly againInMs: number } | undefined> {
  if (log.backend === undefined || checkLog === undefined) return undefined
  try {
    await checkLog(log)
    return undefined
  } catch (error) {
    const reason = Object.entries(REASONS).find(([code]) => isFailure(error, code as FailureCode))?.[1]
    const message = error instanceof Error ? error.message : String(error)
    const condition =
      reason === undefined
        ? isUnknown(type, 'BackendUnavailable', message)
        : isFalse(type, reason, `${message}${fix === '' ? '' : `; ${fix}`}`)
    return { condition, againInMs: LOOK_AGAIN_MS }
  }
}

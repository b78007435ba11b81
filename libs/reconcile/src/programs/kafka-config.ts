import {
  KAFKA_SECRET,
  KAFKA_SECRET_KEYS,
  type KafkaSettings,
  readKafkaSecret,
  readKafkaSettings,
} from '@sluice/resources/settings'
import type { Context } from './context.ts'

type Data = Readonly<Record<string, string>>
type Refusal = { readonly reason: string; readonly message: string }

const FIX = 'this installation has one connection to Kafka, for all Brokers and channels'

/**
 * What a ConfigMap of Knative's Kafka asks for. Refused where it names another cluster than this installation's, or a Secret that
 * is not what this installation connects with.
 */
export async function kafkaSettings(
  { drivers, secrets }: Pick<Context, 'drivers' | 'secrets'>,
  data: Data,
  called: string,
  secretNamespace: string,
): Promise<KafkaSettings | Refusal> {
  const invalid = (message: string): Refusal => ({ reason: 'ConfigInvalid', message })
  const read = readKafkaSettings(data)
  if ('problem' in read) return invalid(`${called}: ${read.problem}`)
  const { value } = read
  const { kafka } = drivers
  // Whoever needs it is refused for that
  if (kafka === undefined) return value
  if (value.servers.length > 0 && !value.servers.some((each) => kafka.brokers.includes(each))) {
    const fix = `name one of KAFKA_BROKERS (${kafka.brokers.join(', ')}), or leave it out`
    return invalid(`${called}: bootstrap.servers has no broker of this installation's cluster: ${fix}; ${FIX}`)
  }
  if (value.secret === undefined || secrets === undefined) return value
  const secret = `${called}: ${KAFKA_SECRET}: Secret ${secretNamespace}/${value.secret}`
  const given = await readSecret(secrets, { namespace: secretNamespace, name: value.secret })
  if (Object.keys(given).length === 0) return invalid(`${secret} does not exist, or is empty`)
  const login = readKafkaSecret(given)
  if ('problem' in login) return invalid(`${secret}: ${login.problem}`)
  const differences = kafka.differences(login.value)
  if (differences.length === 0) return value
  return invalid(`${secret} is not what this installation connects with: ${differences.join('; ')}; ${FIX}`)
}

async function readSecret(
  secrets: NonNullable<Context['secrets']>,
  secret: { readonly namespace: string; readonly name: string },
): Promise<Data> {
  const values = await Promise.all(
    KAFKA_SECRET_KEYS.map(async (key) => [key, await secrets.read({ ...secret, key })] as const),
  )
  return Object.fromEntries(values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
}

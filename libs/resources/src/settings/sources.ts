import {
  type ApiServerSourceRow,
  type GitHubSourceRow,
  KAFKA_KEY_TYPES,
  type KafkaSourceRow,
  type PingSourceRow,
  type SecretReference,
  type SourceRow,
} from '@sluice/contract'
import { readSchedule } from '@sluice/cron'
import { extensionsProblem } from '../ce-overrides.ts'
import { API_SERVER_ANNOTATIONS, GITHUB_ANNOTATIONS, PING_ANNOTATIONS } from '../source-annotations.ts'
import { DEFAULT_SCHEDULE, dataProblem, scheduleProblem, timezoneProblemOf } from '../source-fields.ts'
import { type Reading, readAnnotations } from './annotations.ts'
import { triggerFilter } from './delivery.ts'

// What a source says, with defaults, as its row has it. Admission judges the same; in a cluster CEL can't say all of it.

type Fields = Readonly<Record<string, unknown>>
type Texts = Readonly<Record<string, string>>
/** Of a row what its kind alone has. */
type Own<R extends SourceRow> = Omit<R, Exclude<keyof SourceRow, 'secrets'>>

/** Extensions in lower case, as events have them. */
export function ceOverrides(spec: Fields): Reading<Texts | undefined> {
  const { extensions } = (spec.ceOverrides ?? {}) as { readonly extensions?: Texts }
  if (extensions === undefined || Object.keys(extensions).length === 0) return { value: undefined }
  const found = extensionsProblem(extensions)
  if (found !== undefined) return { problem: `spec.ceOverrides.extensions: ${found.name} ${found.problem}` }
  return { value: Object.fromEntries(Object.entries(extensions).map(([name, text]) => [name.toLowerCase(), text])) }
}

/** `dataMaxSize`: of the field as it is written, in bytes, as Knative counts. */
export function pingSource(spec: Fields, annotations: Texts, dataMaxSize?: number): Reading<Own<PingSourceRow>> {
  const given = spec as Readonly<
    Record<'schedule' | 'timezone' | 'contentType' | 'data' | 'dataBase64', string | undefined>
  >
  const read = readAnnotations(PING_ANNOTATIONS, annotations)
  if ('problem' in read) return read
  const schedule = given.schedule?.trim() || DEFAULT_SCHEDULE
  const parsed = readSchedule(schedule)
  const ofData = dataProblem(given)
  const [field, size] = given.data
    ? ['data', Buffer.byteLength(given.data)]
    : ['dataBase64', given.dataBase64?.length ?? 0]
  const problems = [
    ...said('schedule', scheduleProblem(schedule)),
    ...said('timezone', timezoneProblemOf(given.timezone ?? '')),
    ...(ofData ? said(ofData.field, ofData.problem) : []),
    ...(dataMaxSize !== undefined && size > dataMaxSize
      ? said(String(field), `has ${size} bytes, config-ping-defaults allows ${dataMaxSize}`)
      : []),
  ]
  if (problems.length > 0 || 'problem' in parsed) return { problem: problems.join('; ') }
  return {
    value: {
      schedule: schedule.replace(/^(CRON_)?TZ=\S*\s*/, ''),
      timezone: given.timezone || parsed.timezone || 'UTC',
      ...(given.contentType && { contentType: given.contentType }),
      ...(given.data ? { data: { text: given.data } } : given.dataBase64 && { data: { base64: given.dataBase64 } }),
      missedTicks: read.value['sluice.dev/missed-ticks'] ?? 'skip',
    },
  }
}

/** Namespaces are for who knows them. */
export function apiServerSource(
  spec: Fields,
  annotations: Texts,
): Reading<Omit<Own<ApiServerSourceRow>, 'namespaces'>> {
  const given = spec as Pick<ApiServerSourceRow, 'resources' | 'owner' | 'mode' | 'serviceAccountName'>
  const read = readAnnotations(API_SERVER_ANNOTATIONS, annotations)
  if ('problem' in read) return read
  const filter = triggerFilter({ filters: spec.filters })
  if ('problem' in filter) return filter
  const { resources, owner, mode, serviceAccountName } = given
  return {
    value: {
      resources,
      mode,
      serviceAccountName,
      ...(owner !== undefined && { owner }),
      ...(filter.value.filters && filter.value.filters.length > 0 && { filters: filter.value.filters }),
      initialListing: read.value['sluice.dev/initial-listing'] ?? 'none',
      ...(read.value['features.knative.dev/apiserversource-skip-permissions-check'] === true && {
        skipPermissionsCheck: true as const,
      }),
    },
  }
}

const GITHUB_API = 'https://api.github.com'

/** Where it is reached is for who knows that. */
export function gitHubSource(
  spec: Fields,
  annotations: Texts,
  namespace: string,
): Reading<Omit<Own<GitHubSourceRow>, 'path' | 'publicUrl' | 'ending'>> {
  const given = spec as {
    readonly ownerAndRepository: string
    readonly eventTypes: readonly string[]
    readonly githubAPIURL?: string
    readonly accessToken?: SecretValue
    readonly secretToken?: SecretValue
  }
  const read = readAnnotations(GITHUB_ANNOTATIONS, annotations)
  if ('problem' in read) return read
  const accessToken = secretReference(given.accessToken, namespace)
  const secretToken = secretReference(given.secretToken, namespace)
  if (secretToken === undefined) return { problem: 'spec.secretToken is required' }
  const webhook = read.value['sluice.dev/webhook'] ?? 'managed'
  return {
    value: {
      ownerAndRepository: given.ownerAndRepository.replace(/\/$/, ''),
      ...(read.value['sluice.dev/webhook-scope'] === 'enterprise' && { scope: 'enterprise' as const }),
      eventTypes: [...new Set(given.eventTypes)],
      apiUrl: (given.githubAPIURL ?? GITHUB_API).replace(/\/+$/, ''),
      webhook,
      mapping: read.value['sluice.dev/event-format'] ?? 'knative',
      allowSha1: read.value['sluice.dev/allow-sha1'] ?? false,
      secrets: { ...(webhook === 'managed' && accessToken && { accessToken }), secretToken },
    },
  }
}

const KEY_TYPE = 'kafkasources.sources.knative.dev/key-type'

/** `ownGroup`: of one that names none. A key type nobody knows is `string`, as in Knative. */
export function kafkaSource(spec: Fields, labels: Texts, namespace: string, ownGroup: string): Own<KafkaSourceRow> {
  const given = spec as unknown as Pick<
    KafkaSourceRow,
    'bootstrapServers' | 'topics' | 'consumers' | 'initialOffset' | 'ordering'
  > & {
    readonly consumerGroup?: string
    readonly net?: { readonly tls?: Net<'cert' | 'key' | 'caCert'>; readonly sasl?: Net<'user' | 'password' | 'type'> }
  }
  const { tls, sasl } = given.net ?? {}
  const reference = (value: SecretValue | undefined) => secretReference(value, namespace)
  const isTls = tls?.enable === true
  const isSasl = sasl?.enable === true
  const secrets = {
    ...(isTls && { tlsCert: reference(tls.cert), tlsKey: reference(tls.key), tlsCaCert: reference(tls.caCert) }),
    ...(isSasl && {
      saslUser: reference(sasl.user),
      saslPassword: reference(sasl.password),
      saslType: reference(sasl.type),
    }),
  }
  const { bootstrapServers, topics, consumers, initialOffset, ordering } = given
  const present = Object.entries(secrets).filter(([, value]) => value !== undefined)
  return {
    ...{ bootstrapServers, topics, consumers, initialOffset, ordering },
    consumerGroup: given.consumerGroup || ownGroup,
    keyType: KAFKA_KEY_TYPES.find((type) => type === labels[KEY_TYPE]) ?? 'string',
    tls: isTls,
    sasl: isSasl,
    ...(present.length > 0 && { secrets: Object.fromEntries(present) }),
  }
}

/** Of the label what is no type that Knative knows. */
export function unknownKeyType(labels: Texts): string | undefined {
  const type = labels[KEY_TYPE]
  return type === undefined || KAFKA_KEY_TYPES.some((known) => known === type) ? undefined : type
}

interface SecretValue {
  readonly secretKeyRef: { readonly name: string; readonly key: string }
}
type Net<K extends string> = { readonly enable?: boolean } & Readonly<Partial<Record<K, SecretValue>>>

function secretReference(value: SecretValue | undefined, namespace: string): SecretReference | undefined {
  return value && { namespace, name: value.secretKeyRef.name, key: value.secretKeyRef.key }
}

function said(field: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`spec.${field} ${problem}`]
}

import type { ListOptions, WatchOptions, WriteOptions } from '../registry.ts'
import { badRequest, refused } from '../store/refusals.ts'
import { MAX_MANAGER_CHARACTERS } from './config.ts'

/** What a request asks for beside its path; every getter throws BadRequest or Invalid for what makes no sense. */
export class Query {
  readonly #params: URLSearchParams

  constructor(text: string) {
    this.#params = new URLSearchParams(text)
  }

  /** Undefined: absent or empty. */
  text(name: string): string | undefined {
    return this.#params.get(name) || undefined
  }

  /** As Kubernetes reads it: anything but false and 0 is true. */
  isSet(name: string): boolean | undefined {
    const value = this.#params.get(name)
    return value === null ? undefined : !['false', '0'].includes(value.toLowerCase())
  }

  count(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const count = Number(value)
    if (/^\d{1,15}$/.test(value)) return count
    throw badRequest(`${name} must be a whole number from 0 on, not ${JSON.stringify(value.slice(0, 40))}`)
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T | undefined {
    const value = this.text(name)
    if (value === undefined || known.includes(value as T)) return value as T | undefined
    const message = `${name}: Unsupported value: ${JSON.stringify(value.slice(0, 40))}: supported values: ${known.map((each) => JSON.stringify(each)).join(', ')}`
    throw refused('Invalid', message, { causes: [{ reason: 'FieldValueNotSupported', message, field: name }] })
  }

  get isDryRun(): boolean {
    return this.oneOf('dryRun', ['All']) === 'All'
  }
}

export function listOptions(query: Query, namespace: string | undefined): ListOptions {
  const limit = query.count('limit')
  return defined({
    ...selection(query, namespace),
    limit: limit === 0 ? undefined : limit,
    continue: query.text('continue'),
    resourceVersion: query.text('resourceVersion'),
    resourceVersionMatch: query.oneOf('resourceVersionMatch', ['Exact', 'NotOlderThan'] as const),
  })
}

export function selection(query: Query, namespace: string | undefined, name?: string) {
  const asked = query.text('fieldSelector')
  const named = name === undefined ? [] : [`metadata.name=${name}`]
  const fields = [...named, ...(asked === undefined ? [] : [asked])].join(',')
  return defined({
    namespace,
    labelSelector: query.text('labelSelector'),
    fieldSelector: fields === '' ? undefined : fields,
  })
}

/** Source: Kubernetes, metainternalversion validation of ListOptions. */
export function watchOptions(query: Query, namespace: string | undefined, name?: string): WatchOptions {
  const resourceVersion = query.text('resourceVersion')
  const sendInitialEvents = query.isSet('sendInitialEvents')
  const match = query.oneOf('resourceVersionMatch', ['Exact', 'NotOlderThan'] as const)
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    throw invalid('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  if (sendInitialEvents === undefined && match !== undefined)
    throw invalid('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is set')
  return defined({
    ...selection(query, namespace, name),
    resourceVersion: resourceVersion === '0' ? undefined : resourceVersion,
    allowWatchBookmarks: query.isSet('allowWatchBookmarks'),
    sendInitialEvents,
  })
}

/** The manager is who the client says it is, else what its User-Agent begins with. */
export function writeOptions(query: Query, userAgent: string | undefined): WriteOptions {
  const fieldManager = query.text('fieldManager') ?? (userAgent?.split('/', 1)[0]?.trim() || 'unknown')
  if (fieldManager.length > MAX_MANAGER_CHARACTERS || /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(fieldManager))
    throw invalid('fieldManager', `must be printable and have at most ${MAX_MANAGER_CHARACTERS} characters`)
  return defined({
    fieldManager,
    fieldValidation: query.oneOf('fieldValidation', ['Ignore', 'Warn', 'Strict'] as const),
    dryRun: query.isDryRun || undefined,
  }) as WriteOptions
}

export function invalid(field: string, why: string): Error {
  const message = `${field}: Invalid value: ${why}`
  return refused('Invalid', message, { causes: [{ reason: 'FieldValueInvalid', message: why, field }] })
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Without the fields that have no value. */
export function defined<T extends object>(fields: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>
}

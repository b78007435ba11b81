import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { ListOptions, ObjectList } from '../registry.ts'
import { decodeContinue, encodeContinue, resourceVersionOf } from './continue-token.ts'
import type { Entry } from './entry.ts'
import type { History } from './history.ts'
import { badRequest, expired, tooLargeResourceVersion } from './refusals.ts'
import { byText, converted, placeOf, type Resource } from './resource.ts'
import { selected } from './selection.ts'

const CONTINUE_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'

interface Input {
  readonly resource: Resource
  readonly history: History
  /** The newest that is on disk. */
  readonly current: number
}

/** Source: Kubernetes, "Resource versions in list". */
export function list({ resource, history, current }: Input, served: ServedVersion, options: ListOptions): ObjectList {
  const { rv, start } = placeIn(history, current, options)
  const matches = selected(resource, options)
  const { keys, entryOf } = snapshot(resource, history, rv, current, options.namespace)
  const limit = options.limit || Number.POSITIVE_INFINITY
  const items: ApiObject[] = []
  let next: number | undefined
  for (let i = start === undefined ? 0 : placeOf(keys, start); i < keys.length; i++) {
    const { object } = entryOf(keys[i] as string)
    if (!matches(object)) continue
    if (items.length === limit) {
      next = i
      break
    }
    items.push(converted(resource.kind, object, served))
  }
  const resourceVersion = String(rv)
  if (next === undefined) return { resourceVersion, items }
  // as Kubernetes: what selectors leave is not counted
  const isCounted = !options.labelSelector && !options.fieldSelector
  return {
    resourceVersion,
    continue: encodeContinue({ rv, start: keys[next] as string }),
    ...(isCounted && { remainingItemCount: keys.length - next }),
    items,
  }
}

function placeIn(history: History, current: number, options: ListOptions): { rv: number; start?: string } {
  const { resourceVersionMatch: match } = options
  const asked = resourceVersionOf(options.resourceVersion)
  if (options.limit !== undefined && !(Number.isSafeInteger(options.limit) && options.limit >= 0))
    throw badRequest('limit must be a whole number that is not negative')
  if (options.continue) {
    if (match !== undefined) throw badRequest('resourceVersionMatch is forbidden when continue is provided')
    if (asked !== undefined) throw badRequest('specifying resource version is not allowed when using continue')
    const token = decodeContinue(options.continue)
    if (token.rv < history.compacted) throw expired(CONTINUE_TOO_OLD)
    if (token.rv > current) throw tooLargeResourceVersion(token.rv, current)
    return token
  }
  if (match !== undefined && !['Exact', 'NotOlderThan'].includes(match))
    throw badRequest(`resourceVersionMatch must be Exact or NotOlderThan, found ${JSON.stringify(match)}`)
  if (match !== undefined && !options.resourceVersion)
    throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided')
  if (asked !== undefined && asked > current) throw tooLargeResourceVersion(asked, current)
  if (match !== 'Exact') return { rv: current }
  if (asked === undefined) throw badRequest('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"')
  if (asked < history.compacted) throw expired('The resourceVersion for the provided list is too old.')
  return { rv: asked }
}

/** The objects as they were at `rv`: as they are now, and what changed since put back. */
function snapshot(resource: Resource, history: History, rv: number, current: number, namespace: string | undefined) {
  const keys = resource.keys(namespace)
  const now = (key: string) => resource.entries.get(key) as Entry
  if (rv === current) return { keys, entryOf: now }
  const then = new Map<string, Entry | undefined>()
  for (const { key, before } of history.after(rv, resource)) if (!then.has(key)) then.set(key, before)
  if (then.size === 0) return { keys, entryOf: now }
  const isIn = (key: string) => namespace === undefined || key.startsWith(`${namespace}/`)
  const all = new Set(keys)
  for (const [key, entry] of then)
    if (entry === undefined) all.delete(key)
    else if (isIn(key)) all.add(key)
  return { keys: [...all].sort(byText), entryOf: (key: string) => then.get(key) ?? now(key) }
}

import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { WatchEvent, WatchOptions } from '../registry.ts'
import { resourceVersionOf } from './continue-token.ts'
import { type Change, shownBy } from './entry.ts'
import type { History } from './history.ts'
import { expired } from './refusals.ts'
import { converted, type Resource } from './resource.ts'
import { selected } from './selection.ts'

/** Source: Kubernetes, metav1.InitialEventsAnnotationKey. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

export interface Watcher extends Disposable {
  /** Tells how far the watch has come, if it wants to know. */
  bookmark(current: number): void
}

interface Input {
  readonly resource: Resource
  readonly history: History
  readonly current: number
}

/** Begins with what there is or with what is remembered, before it returns. Throws Expired, BadRequest. */
export function watch(
  { resource, history, current }: Input,
  served: ServedVersion,
  options: WatchOptions,
  on: (event: WatchEvent) => void,
): Watcher {
  const matches = selected(resource, options)
  const asked = resourceVersionOf(options.resourceVersion)
  // a number from the future was given by another store: whoever has it has to list again
  if (asked !== undefined && asked > current)
    throw expired(`resource version ${asked} is not of this store, which is at ${current}`)
  const isFromNow = options.sendInitialEvents ?? asked === undefined
  if (asked !== undefined && !isFromNow && asked < history.compacted)
    throw expired(`too old resource version: ${asked} (${history.compacted})`)
  let told = asked ?? 0
  const tell = (type: WatchEvent['type'], object: ApiObject) =>
    on({ type, object: converted(resource.kind, object, served) })
  const follow = (change: Change) => {
    const before = change.before !== undefined && matches(change.before.object)
    const now = change.now !== undefined && matches(change.now.object)
    if (!before && !now) return
    told = change.rv
    if (now) tell(before ? 'MODIFIED' : 'ADDED', shownBy(change))
    else tell('DELETED', lastShownBy(change))
  }
  const bookmark = (rv: number, annotations?: Readonly<Record<string, string>>) => {
    told = rv
    const { kind } = resource.kind
    const metadata = { creationTimestamp: null, resourceVersion: String(rv), ...(annotations && { annotations }) }
    on({ type: 'BOOKMARK', object: { apiVersion: served.apiVersion, kind, metadata } })
  }
  if (isFromNow) {
    for (const key of resource.keys(options.namespace)) {
      const object = resource.entries.get(key)?.object as ApiObject
      if (matches(object)) tell('ADDED', object)
    }
    told = current
    if (options.sendInitialEvents && options.allowWatchBookmarks) bookmark(current, { [INITIAL_EVENTS_END]: 'true' })
  } else if (asked !== undefined) for (const change of history.after(asked, resource)) follow(change)
  resource.watchers.add(follow)
  return {
    bookmark(rv) {
      if (options.allowWatchBookmarks && rv > told) bookmark(rv)
    },
    [Symbol.dispose]: () => void resource.watchers.delete(follow),
  }
}

/** The last state that was selected, with the number of the change that ended it. */
function lastShownBy(change: Change): ApiObject {
  if (change.now === undefined) return shownBy(change)
  const { object } = change.before as NonNullable<Change['before']>
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(change.rv) } }
}

import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import type { Registry, WatchEvent, WatchOptions } from '../registry.ts'
import { at, BY, CONFIG_MAP, NAMESPACE, object, open, servedAs } from './testing.ts'

/** What a watch tells: `ADDED a`, and of bookmarks the number. */
function watched(registry: Registry, options: WatchOptions = {}) {
  const seen: string[] = []
  const events: WatchEvent[] = []
  const watch = registry.watch(CONFIG_MAP, options, (event) => {
    events.push(event)
    seen.push(`${event.type} ${event.object.metadata.name ?? event.object.metadata.resourceVersion}`)
  })
  return { seen, events, watch }
}
const create = (registry: Registry, name: string, labels = {}) =>
  registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, name, {}, { labels }), BY)
const update = (registry: Registry, name: string, labels = {}) =>
  registry.update(CONFIG_MAP, at(name), object(CONFIG_MAP, name, {}, { labels }), BY)
const newest = (registry: Registry) => registry.list(CONFIG_MAP, {}).resourceVersion

describe('watch', () => {
  test('without a number begins with what there is, then tells of each change once and in order', async () => {
    await using registry = await open()
    await create(registry, 'b')
    await create(registry, 'a')
    const { seen, events, watch } = watched(registry)
    expect(seen).toEqual(['ADDED a', 'ADDED b'])
    await Promise.all([
      create(registry, 'c'),
      update(registry, 'a', { x: 'y' }),
      registry.delete(CONFIG_MAP, at('b'), {}),
    ])
    expect(seen.slice(2)).toEqual(['ADDED c', 'MODIFIED a', 'DELETED b'])
    const numbers = events.slice(2).map(({ object }) => Number(object.metadata.resourceVersion))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    watch[Symbol.dispose]()
    await create(registry, 'd')
    expect(seen).toHaveLength(5)
  })

  test('with a number tells what came after it', async () => {
    await using registry = await open()
    await create(registry, 'a')
    const resourceVersion = newest(registry)
    await create(registry, 'b')
    await registry.delete(CONFIG_MAP, at('a'), {})
    expect(watched(registry, { resourceVersion }).seen).toEqual(['ADDED b', 'DELETED a'])
  })

  test('an object that begins to be selected is ADDED, one that ceases is DELETED as it was', async () => {
    await using registry = await open()
    await create(registry, 'a')
    const resourceVersion = newest(registry)
    const live = watched(registry, { labelSelector: 'app=x' })
    await update(registry, 'a', { app: 'x' })
    await update(registry, 'a', { app: 'x', more: '1' })
    await update(registry, 'a', { app: 'y' })
    await registry.delete(CONFIG_MAP, at('a'), {})
    expect(live.seen).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
    const [, modified, deleted] = live.events
    expect(deleted?.object.metadata.labels).toEqual({ app: 'x', more: '1' })
    expect(Number(deleted?.object.metadata.resourceVersion)).toBeGreaterThan(
      Number(modified?.object.metadata.resourceVersion),
    )
    expect(watched(registry, { labelSelector: 'app=x', resourceVersion }).seen).toEqual(live.seen)
  })

  test('from before the history, or from a number nobody gave, has expired', async () => {
    const clock = new VirtualClock()
    await using registry = await open({ clock })
    await create(registry, 'a')
    const resourceVersion = newest(registry)
    await create(registry, 'b')
    await clock.advance(6 * 60_000)
    const expired = expect.objectContaining({ detail: expect.objectContaining({ reason: 'Expired', status: 410 }) })
    expect(() => watched(registry, { resourceVersion })).toThrow(expired)
    expect(() => watched(registry, { resourceVersion: '9999' })).toThrow(expired)
    expect(watched(registry, { resourceVersion: newest(registry) }).seen).toEqual([])
  })

  test('the history is bounded by count and by bytes', async () => {
    await using byCount = await open({ history: { maxChanges: 3 } })
    await create(byCount, 'a')
    const resourceVersion = newest(byCount)
    for (const name of ['b', 'c', 'd']) await create(byCount, name)
    expect(watched(byCount, { resourceVersion }).seen).toHaveLength(3)
    await create(byCount, 'e')
    expect(() => watched(byCount, { resourceVersion })).toThrow(/too old resource version/)
    await using byBytes = await open({ history: { maxBytes: 1_000 } })
    await create(byBytes, 'a')
    const before = newest(byBytes)
    for (let i = 0; i < 10; i++) await update(byBytes, 'a', { i: String(i) })
    expect(() => watched(byBytes, { resourceVersion: before })).toThrow(/too old resource version/)
  })

  test('sendInitialEvents ends with a bookmark that says so', async () => {
    await using registry = await open()
    await create(registry, 'a')
    const { seen, events } = watched(registry, {
      sendInitialEvents: true,
      allowWatchBookmarks: true,
      resourceVersion: '1',
    })
    expect(seen).toEqual(['ADDED a', `BOOKMARK ${newest(registry)}`])
    expect(events[1]?.object).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        creationTimestamp: null,
        resourceVersion: newest(registry),
        annotations: { 'k8s.io/initial-events-end': 'true' },
      },
    })
    expect(watched(registry, { sendInitialEvents: false }).seen).toEqual([])
  })

  test('bookmarks come each minute to who wants them, when there is something to tell', async () => {
    const clock = new VirtualClock()
    await using registry = await open({ clock })
    const with_ = watched(registry, { allowWatchBookmarks: true })
    const without = watched(registry)
    const broker = servedAs('eventing.knative.dev/v1', 'Broker')
    await registry.create(broker, 'default', object(broker, 'x'), BY)
    await clock.advance(3 * 60_000)
    expect([with_.seen, without.seen]).toEqual([[`BOOKMARK ${newest(registry)}`], []])
  })

  test('who fails while watching harms nobody', async () => {
    const clock = new VirtualClock()
    await using registry = await open({ clock })
    registry.watch(CONFIG_MAP, { allowWatchBookmarks: true }, () => {
      throw new Error('no')
    })
    const { seen } = watched(registry)
    await create(registry, 'a')
    await registry.create(NAMESPACE, undefined, object(NAMESPACE, 'mine'), BY)
    await clock.advance(61_000)
    expect(seen).toEqual(['ADDED a'])
  })
})

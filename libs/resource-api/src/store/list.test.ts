import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import type { ListOptions, Registry } from '../registry.ts'
import { at, BROKER, BY, CONFIG_MAP, EVENT, NAMESPACE, object, open } from './testing.ts'

async function withMaps(names: readonly string[], options = {}): Promise<Registry> {
  const registry = await open(options)
  for (const name of names) await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, name), BY)
  return registry
}
const names = (registry: Registry, options: ListOptions = {}) =>
  registry.list(CONFIG_MAP, options).items.map(({ metadata }) => metadata.name)

describe('list', () => {
  test('is in order of namespace and name, of one namespace or all', async () => {
    await using registry = await withMaps(['b', 'a-b', 'a'])
    for (const room of ['default-2', 'defaul']) {
      await registry.create(NAMESPACE, undefined, object(NAMESPACE, room), BY)
      await registry.create(CONFIG_MAP, room, object(CONFIG_MAP, `in-${room}`), BY)
    }
    expect(names(registry)).toEqual(['in-defaul', 'in-default-2', 'a', 'a-b', 'b'])
    expect(names(registry, { namespace: 'default' })).toEqual(['a', 'a-b', 'b'])
    expect(names(registry, { namespace: 'nowhere' })).toEqual([])
  })

  test('pages show one moment, whatever is written between them', async () => {
    await using registry = await withMaps(['a', 'b', 'c', 'd', 'e'])
    const first = registry.list(CONFIG_MAP, { limit: 2 })
    expect(first).toMatchObject({ remainingItemCount: 3, continue: expect.any(String) })
    await registry.delete(CONFIG_MAP, at('c'), {})
    await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, 'cc'), BY)
    await registry.update(CONFIG_MAP, at('d'), object(CONFIG_MAP, 'd', { data: { new: 'yes' } }), BY)
    const second = registry.list(CONFIG_MAP, { limit: 2, continue: String(first.continue) })
    expect(second.items.map(({ metadata, data }) => [metadata.name, data])).toEqual([
      ['c', undefined],
      ['d', undefined],
    ])
    expect(second).toMatchObject({ resourceVersion: first.resourceVersion, remainingItemCount: 1 })
    const third = registry.list(CONFIG_MAP, { limit: 2, continue: String(second.continue) })
    expect([third.items.map(({ metadata }) => metadata.name), third.continue]).toEqual([['e'], undefined])
  })

  test('a token whose moment is compacted has expired', async () => {
    const clock = new VirtualClock()
    await using registry = await withMaps(['a', 'b'], { clock })
    const { continue: token = '' } = registry.list(CONFIG_MAP, { limit: 1 })
    await registry.delete(CONFIG_MAP, at('a'), {})
    await clock.advance(4 * 60_000)
    expect(names(registry, { continue: token })).toEqual(['b'])
    await clock.advance(2 * 60_000)
    expect(() => names(registry, { continue: token })).toThrow('The provided continue parameter is too old')
  })

  test('resourceVersionMatch Exact shows that moment, NotOlderThan any since', async () => {
    await using registry = await withMaps(['a'])
    const { resourceVersion } = registry.list(CONFIG_MAP, {})
    await registry.delete(CONFIG_MAP, at('a'), {})
    expect(names(registry, { resourceVersion, resourceVersionMatch: 'Exact' })).toEqual(['a'])
    expect(names(registry, { resourceVersion, resourceVersionMatch: 'NotOlderThan' })).toEqual([])
    expect(names(registry, { resourceVersion: '0' })).toEqual([])
  })

  test.each<[string, ListOptions, string, string]>([
    ['a number of the future', { resourceVersion: '9999' }, 'Timeout', 'Too large resource version: 9999, current: 4'],
    [
      'no number',
      { resourceVersion: 'x' },
      'BadRequest',
      'Invalid value: "x": resourceVersion must be a number that the API gave',
    ],
    [
      'a broken token',
      { continue: 'x' },
      'BadRequest',
      'continue key is not valid: it must be the one of the page before, unchanged',
    ],
    [
      'a match without number',
      { resourceVersionMatch: 'Exact' },
      'BadRequest',
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    ['a negative limit', { limit: -1 }, 'BadRequest', 'limit must be a whole number that is not negative'],
    [
      'a field nobody selects by',
      { fieldSelector: 'spec.foo=x' },
      'BadRequest',
      'field label not supported: spec.foo: ConfigMap has metadata.name, metadata.namespace',
    ],
    ['no field selector', { fieldSelector: 'x' }, 'BadRequest', "invalid selector: 'x'; can't understand 'x'"],
    [
      'no label',
      { labelSelector: 'a b' },
      'BadRequest',
      'unable to parse requirement: "a b" in the label selector "a b" is neither a key nor a value of a label',
    ],
  ])('refuses %s', async (_, options, reason, message) => {
    await using registry = await withMaps(['a'])
    expect(() => registry.list(CONFIG_MAP, options)).toThrow(
      expect.objectContaining({ message, detail: expect.objectContaining({ reason }) }),
    )
  })

  test.each([
    ['', 'abcd'],
    ['app', 'abc'],
    ['!app', 'd'],
    ['app=x', 'ab'],
    ['app==x,tier=1', 'a'],
    ['app!=x', 'cd'],
    ['app in (x, y)', 'abc'],
    ['app notin (x)', 'cd'],
    ['tier>1', 'b'],
    ['tier < 2 ', 'a'],
    [' app  =  x , tier in (1 , 3)', 'a'],
    ['app in (x),tier notin (2),tier', 'a'],
    ['example.org/role=', 'c'],
  ])('label selector %j selects %s', async (labelSelector, expected) => {
    const labels = {
      a: { app: 'x', tier: '1' },
      b: { app: 'x', tier: '2' },
      c: { app: 'y', 'example.org/role': '' },
      d: {},
    }
    await using registry = await open()
    for (const [name, of] of Object.entries(labels))
      await registry.create(CONFIG_MAP, 'default', object(CONFIG_MAP, name, {}, { labels: of }), BY)
    expect(names(registry, { labelSelector }).join('')).toBe(expected)
  })

  test('field selectors: names of all kinds; of Events what happened and to whom', async () => {
    await using registry = await withMaps(['a', 'b'])
    expect(names(registry, { fieldSelector: 'metadata.name=a' })).toEqual(['a'])
    expect(names(registry, { fieldSelector: 'metadata.name!=a,metadata.namespace=default' })).toEqual(['b'])
    for (const [name, kind, type] of [
      ['x', 'Broker', 'Normal'],
      ['y', 'Trigger', 'Warning'],
    ] as const) {
      const event = { involvedObject: { kind, name: 'a,b' }, type, source: { component: 'controller' } }
      await registry.create(EVENT, 'default', object(EVENT, name, event), BY)
    }
    const events = (fieldSelector: string) =>
      registry.list(EVENT, { fieldSelector }).items.map(({ metadata }) => metadata.name)
    expect(events('involvedObject.kind=Broker,involvedObject.name=a\\,b')).toEqual(['x'])
    expect(events('type!=Normal,source=controller')).toEqual(['y'])
    expect(() => registry.list(BROKER, { fieldSelector: 'type=x' })).toThrow(/field label not supported/)
  })
})

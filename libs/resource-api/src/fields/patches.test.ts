import { describe, expect, test } from '@jest/globals'
import { isFailure } from '@sluice/errors'
import type { ApiObject, Structural } from '@sluice/resources/api'
import { patches } from './patches.ts'

const map: ApiObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'm', labels: { a: '1', b: '2' }, finalizers: ['a/b', 'a/c'] },
  data: { x: '1' },
}
const reasonOf = (work: () => unknown) => {
  try {
    work()
    return 'none'
  } catch (error) {
    return isFailure(error, 'RESOURCE_REFUSED') ? error.detail.reason : String(error)
  }
}

describe('JSON patch', () => {
  test('changes what its operations say, and not its input', () => {
    const next = patches.json(map, [
      { op: 'test', path: '/data/x', value: '1' },
      { op: 'replace', path: '/data/x', value: '2' },
      { op: 'add', path: '/metadata/labels/c~1d', value: '3' },
      { op: 'remove', path: '/metadata/labels/a' },
    ])
    expect(next).toMatchObject({ data: { x: '2' }, metadata: { labels: { b: '2', 'c/d': '3' } } })
    expect(map.data).toEqual({ x: '1' })
  })

  test.each([
    ['a test that fails', [{ op: 'test', path: '/data/x', value: '2' }], 'Invalid'],
    ['a path that is not there', [{ op: 'remove', path: '/data/y' }], 'Invalid'],
    ['no list', { op: 'remove' }, 'BadRequest'],
    ['an unknown operation', [{ op: 'merge', path: '/data' }], 'BadRequest'],
    ['no pointer', [{ op: 'remove', path: 'data' }], 'BadRequest'],
    ['a prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], 'BadRequest'],
    ['too many', Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: 1 })), 'RequestEntityTooLarge'],
    [
      'copies of copies',
      Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/${i}` })),
      'Invalid',
    ],
    ['what every object has', [{ op: 'add', path: '/data/hasOwnProperty/call', value: 1 }], 'Invalid'],
    ['the inside of a text', [{ op: 'add', path: '/data/x/y', value: 1 }], 'Invalid'],
    ['the length of a list', [{ op: 'replace', path: '/metadata/finalizers/length', value: 2 ** 32 - 1 }], 'Invalid'],
    ['an index past the end', [{ op: 'add', path: '/metadata/finalizers/3', value: 'x' }], 'Invalid'],
    ['another object in place of this', [{ op: 'add', path: '', value: {} }], 'Invalid'],
    [
      'moves of moves',
      Array.from(
        { length: 9_000 },
        (_, i) =>
          [
            { op: 'add', path: '/data/x', value: {} },
            { op: 'move', from: '/data/y', path: '/data/x/y' },
            { op: 'move', from: '/data/x', path: '/data/y' },
          ][i % 3],
      ).toSpliced(0, 0, { op: 'add', path: '/data/y', value: {} }),
      'Invalid',
    ],
  ])('refuses %s', (_, operations, reason) => {
    expect(reasonOf(() => patches.json(map, operations))).toBe(reason)
  })
})

describe('merge patch', () => {
  test('null removes, maps merge, lists are replaced', () => {
    const patch = { metadata: { labels: { a: null, c: '3' } }, data: { x: ['1'] } }
    expect(patches.merge(map, patch)).toMatchObject({ metadata: { labels: { b: '2', c: '3' } }, data: { x: ['1'] } })
  })

  test('of no object is refused', () => {
    expect(reasonOf(() => patches.merge(map, []))).toBe('BadRequest')
  })
})

describe('strategic merge patch', () => {
  const service: ApiObject = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', finalizers: ['a', 'b'] } },
    spec: { ports: [{ port: 80, name: 'http' }, { port: 90 }], selector: { a: 'b' } },
  }
  const patched = (patch: object) => patches.strategic(service, patch, {} as Structural) as ApiObject

  test('merges lists by their keys, and deletes by directive', () => {
    const next = patched({ spec: { ports: [{ port: 80, name: 'web' }, { port: 90, $patch: 'delete' }, { port: 70 }] } })
    expect(next.spec).toMatchObject({ ports: [{ port: 80, name: 'web' }, { port: 70 }], selector: { a: 'b' } })
  })

  test('lists of plain values add up; directives take away and order', () => {
    const next = patched({
      metadata: {
        finalizers: ['c'],
        '$deleteFromPrimitiveList/finalizers': ['a'],
        '$setElementOrder/finalizers': ['c', 'b'],
      },
    })
    expect(next.metadata.finalizers).toEqual(['c', 'b'])
  })

  test('replaces a map, or keeps only what it names', () => {
    expect(patched({ spec: { $patch: 'replace', type: 'x' } }).spec).toEqual({ type: 'x' })
    expect(patched({ spec: { $retainKeys: ['type'], type: 'x' } }).spec).toEqual({ type: 'x' })
  })

  test('is not for kinds of ours, as for all that come from CRDs', () => {
    const broker = { ...service, apiVersion: 'eventing.knative.dev/v1' }
    expect(reasonOf(() => patches.strategic(broker, {}, {} as Structural))).toBe('UnsupportedMediaType')
  })
})

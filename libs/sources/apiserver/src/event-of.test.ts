import { describe, expect, test } from '@jest/globals'
import type { Change } from './change.ts'
import { type EventsOf, eventOf } from './event-of.ts'

const OF: EventsOf = {
  row: { uid: 'source-1', mode: 'Resource' },
  source: 'https://10.96.0.1:443',
  resource: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', plural: 'gateways', isNamespaced: true },
  isSelected: false,
}
const CHANGE: Change = {
  what: 'add',
  place: { namespace: 'shop', name: 'edge' },
  known: { uid: 'u1', version: '7' },
  object: { apiVersion: '', kind: '', metadata: { name: 'edge', namespace: 'shop', uid: 'u1' }, spec: { a: 1 } },
}
const attributes = (change: Change, of = OF) => Object.fromEntries(eventOf(change, of).attributes)
const data = (change: Change, of = OF) => JSON.parse(String(eventOf(change, of).data))
const id = (change: Partial<Change> = {}, of: Partial<EventsOf> = {}) =>
  attributes({ ...CHANGE, ...change }, { ...OF, ...of }).id

describe('the event of a change', () => {
  test("SRC-08: has Knative's attributes, with the plural that the API server has", () => {
    expect(attributes(CHANGE)).toEqual({
      ...{ specversion: '1.0', id: expect.any(String), source: 'https://10.96.0.1:443' },
      ...{ type: 'dev.knative.apiserver.resource.add', datacontenttype: 'application/json' },
      subject: '/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/edge',
      ...{ apiversion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'edge', namespace: 'shop' },
    })
  })

  test('of an object outside namespaces, and of the core group, has the subject that Knative gives it', () => {
    const resource = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', isNamespaced: false }
    expect(attributes({ ...CHANGE, place: { namespace: '', name: 'n' } }, { ...OF, resource })).toMatchObject({
      ...{ subject: '/apis/v1/namespaces//nodes/n', namespace: '' },
    })
  })

  test('SRC-06: carries the whole object, whose kind a list leaves out', () => {
    expect(data(CHANGE)).toEqual({ ...CHANGE.object, apiVersion: OF.resource.apiVersion, kind: 'Gateway' })
  })

  test('SRC-07: or what names it', () => {
    const of: EventsOf = { ...OF, row: { uid: 'source-1', mode: 'Reference' } }
    expect(attributes(CHANGE, of).type).toBe('dev.knative.apiserver.ref.add')
    expect(data(CHANGE, of)).toEqual({
      ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'edge', namespace: 'shop' },
    })
  })

  test('of an end that nobody saw has what is known, and says that it is not all', () => {
    const known = { uid: 'u1', version: '7', controller: { apiVersion: 'v1', kind: 'Fleet' } }
    const { object: _, ...unseen } = CHANGE
    expect(data({ ...unseen, what: 'delete', known })).toEqual({
      ...{ apiVersion: OF.resource.apiVersion, kind: 'Gateway' },
      metadata: {
        ...{ name: 'edge', namespace: 'shop', uid: 'u1', resourceVersion: '7' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Fleet', controller: true }],
        annotations: { 'sluice.dev/final-state': 'unknown' },
      },
    })
  })

  test('has an id that whoever tells it gives it: of source, object, version and what happened', () => {
    expect(id()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(id({ place: { namespace: 'x', name: 'y' } })).toBe(id())
    const others = [
      ...[
        id({ what: 'update' }),
        id({ known: { uid: 'u2', version: '7' } }),
        id({ known: { uid: 'u1', version: '8' } }),
      ],
      id({}, { row: { uid: 'source-2', mode: 'Resource' } }),
    ]
    expect(new Set([id(), ...others]).size).toBe(5)
  })

  test('of an end has one id whatever was the last version seen, unless labels choose', () => {
    const end = (version: string, isSelected: boolean) =>
      id({ what: 'delete', known: { uid: 'u1', version } }, { isSelected })
    expect(end('7', false)).toBe(end('9', false))
    expect(end('7', true)).not.toBe(end('9', true))
  })
})

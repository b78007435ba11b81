import { describe, expect, test } from '@jest/globals'
import { createEvent } from '@sluice/cloudevents'
import type { Change } from './change.ts'
import { eventIfWanted } from './is-wanted.ts'

const EVENT = createEvent({
  specversion: '1.0',
  id: '1',
  source: '/s',
  type: 'dev.knative.apiserver.ref.add',
  name: 'a',
})
const gone = (controller?: { apiVersion: string; kind: string }): Change => ({
  ...{ what: 'delete', place: { namespace: 'shop', name: 'a' } },
  known: { uid: 'u1', version: '7', ...(controller && { controller }) },
})
const there = (references: object[]): Change => ({
  ...gone(),
  what: 'update',
  object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', ownerReferences: references } },
})
const SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet' }

describe('a change is told', () => {
  test.each([
    ['that a controller of the kind has', { kind: 'ReplicaSet' }, there([{ ...SET, controller: true }]), true],
    ['of the version too', SET, there([{ ...SET, controller: true }]), true],
    ['not of another version', { ...SET, apiVersion: 'apps/v2' }, there([{ ...SET, controller: true }]), false],
    ['not of an owner that does not control', SET, there([SET]), false],
    ['not of an object without owner', SET, there([]), false],
    ['that went unseen, by the controller it had', SET, gone(SET), true],
    ['not that went unseen with another', { kind: 'Job' }, gone(SET), false],
  ])('by owner: %s', (_, owner, change, is) => {
    expect(eventIfWanted({ owner })(change, EVENT)).toBe(is)
  })

  test('SRC-10: by all of the filters, on the attributes of the event', () => {
    const of = (name: string) => eventIfWanted({ filters: [{ exact: { name } }, { suffix: { type: '.add' } }] })
    expect([of('a')(gone(), EVENT), of('b')(gone(), EVENT)]).toEqual([true, false])
  })

  test('a filter that can not be built is a problem by its place', () => {
    expect(() => eventIfWanted({ filters: [{ cesql: 'name =' }] })).toThrow(/spec\.filters\[0\]\.cesql/)
  })
})

import { describe, expect, test } from '@jest/globals'
import { changesTo, changesToGone, isOlder, knownOf } from './change.ts'

const pod = (uid: string, resourceVersion: string, more = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { namespace: 'shop', name: 'a', uid, resourceVersion, ...more },
})
const inShort = (changes: ReturnType<typeof changesTo>) =>
  changes.map(({ what, known }) => `${what} ${known.uid} ${known.version}`)

describe('what is to be told of an object', () => {
  test.each([
    ['that is new', undefined, ['add u1 7']],
    ['that changed', { uid: 'u1', version: '6' }, ['update u1 7']],
    ['that did not', { uid: 'u1', version: '7' }, []],
    ['whose namesake went unseen: that one is gone first', { uid: 'u0', version: '3' }, ['delete u0 3', 'add u1 7']],
  ])('%s', (_, before, told) => {
    expect(inShort(changesTo(pod('u1', '7'), before))).toEqual(told)
  })

  test.each([
    ['its end', { uid: 'u1', version: '6' }, ['delete u1 6']],
    ['nothing where nobody knew it', undefined, []],
    ['nothing where it is a former one of the name', { uid: 'u2', version: '9' }, []],
    ['nothing where it came back since', { uid: 'u1', version: '8' }, []],
  ])('that is gone: %s', (_, before, told) => {
    expect(inShort(changesToGone(pod('u1', '7'), before))).toEqual(told)
  })

  test('its controller is the owner that says so', () => {
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'Node', name: 'n' },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', controller: true },
    ]
    expect(knownOf(pod('u1', '7', { ownerReferences }))).toEqual({
      ...{ uid: 'u1', version: '7', controller: { apiVersion: 'apps/v1', kind: 'ReplicaSet' } },
    })
  })

  test('versions are numbers of any length; others are never older', () => {
    expect([
      isOlder('9', '10'),
      isOlder('10', '9'),
      isOlder('7', '7'),
      isOlder('90071992547409930', '90071992547409931'),
    ]).toEqual([...[true, false, false, true]])
    expect([isOlder('a', 'b'), isOlder('1', 'b'), isOlder('01', '2')]).toEqual([false, false, false])
  })
})

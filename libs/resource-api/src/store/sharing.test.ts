import { expect, test } from '@jest/globals'
import { sharing } from './sharing.ts'

const state = (rv: string, status: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', resourceVersion: rv, annotations: { a: 'b' } },
  spec: { deep: { value: 1 } },
  status,
})

test('a new state shares what it has in common with the former, and is as it was given', () => {
  const former = state('1', { ready: false })
  const given = state('2', { ready: true })
  const kept = sharing(given, former)
  expect(kept).toEqual(state('2', { ready: true }))
  expect(kept.spec).toBe(former.spec)
  expect(kept.metadata.annotations).toBe(former.metadata.annotations)
  expect(kept.status).toBe(given.status)
  expect(sharing(given, undefined)).toBe(given)
})

test('what the former state had and the new one has not stays gone', () => {
  const { spec: _, ...without } = state('2', {})
  expect(sharing(without, state('1', {}))).toEqual(without)
})

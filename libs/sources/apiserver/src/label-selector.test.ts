import { expect, test } from '@jest/globals'
import { selectorText } from './label-selector.ts'

test('a label selector is the parameter of a request, the same however it is ordered', () => {
  expect(selectorText()).toBe('')
  const expressions = [
    { key: 'tier', operator: 'NotIn', values: ['b', 'a'] },
    { key: 'new', operator: 'Exists' },
    { key: 'old', operator: 'DoesNotExist' },
    { key: 'app', operator: 'In', values: ['x'] },
  ] as const
  const text = '!old,app in (x),env=,new,team=blue,tier notin (a,b)'
  expect(selectorText({ matchLabels: { team: 'blue', env: '' }, matchExpressions: expressions })).toBe(text)
  expect(selectorText({ matchLabels: { env: '', team: 'blue' }, matchExpressions: expressions.toReversed() })).toBe(
    text,
  )
})

import { describe, expect, test } from '@jest/globals'
import { nearest } from './nearest.ts'

describe('nearest', () => {
  test.each([
    ['brokr', 'broker'],
    ['Broker', 'broker'],
    ['xyz', undefined],
    ['', undefined],
  ])('%j suggests %s', (word, expected) => {
    expect(nearest(word, ['broker', 'subscriber', 'delivery'])).toBe(expected)
  })
})

import { expect, test } from '@jest/globals'
import { createEvent } from '@sluice/cloudevents'
import { laneKeyOf } from './lane.ts'

const event = (attributes: Readonly<Record<string, string | number | boolean>>) =>
  createEvent({ specversion: '1.0', id: '1', source: '/a', type: 't', ...attributes })

test('events of one key share it, whatever the type of the attribute; without the attribute each has its own', () => {
  expect(laneKeyOf(event({ partitionkey: 'x' }), 'partitionkey')).toBe('x')
  expect(laneKeyOf(event({ customer: 7 }), 'customer')).toBe('7')
  expect(laneKeyOf(event({ vip: false }), 'vip')).toBe('false')
  expect(laneKeyOf(event({ customer: 7 }), 'partitionkey')).toBe('/a 1')
})

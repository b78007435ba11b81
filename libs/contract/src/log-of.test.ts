import { expect, test } from '@jest/globals'
import { logOf } from './log-of.ts'
import type { IngressRow, LogRow } from './rows.ts'

const row = (kind: LogRow['kind'], uid: string) => ({ uid, kind, namespace: 'ns', name: 'orders' }) as LogRow
const address = (log: string, path: string) => ({ uid: log, namespace: 'ns', name: 'orders', log, path }) as IngressRow
const rows = {
  logs: [row('channel', 'memory'), row('channel', 'kafka'), row('broker', 'broker')],
  ingresses: [
    address('memory', '/channels/ns/inmemorychannel/orders'),
    address('kafka', '/channels/ns/kafkachannel/orders'),
    address('broker', '/ns/orders'),
  ],
}

test.each([
  ['orders', 'broker'],
  ['inmemorychannel:orders', 'memory'],
  ['kafkachannel:orders', 'kafka'],
])('a broker and two channels of one name are told apart: %s', (name, uid) => {
  expect(logOf(rows, 'ns', name).uid).toBe(uid)
})

test.each([
  ['other', 'there is no broker ns/other in force'],
  ['natsjetstreamchannel:orders', 'there is no natsjetstreamchannel ns/orders in force'],
  [':orders', 'there is no channel ns/orders in force'],
])('%s is not there', (name, message) => {
  expect(() => logOf(rows, 'ns', name)).toThrow(message)
})

test('a source is found by its kind, and once it is gone the log that the last of its name left', () => {
  const left = (uid: string, goneAt: number) => ({ ...row('channel', uid), goneAt })
  const all = {
    logs: [...rows.logs, row('channel', 'ping'), left('older', 1), left('newer', 2)],
    ingresses: [...rows.ingresses, address('ping', '/source-logs/ns/pingsource/orders')],
  }
  expect(logOf(all, 'ns', 'pingsource:orders').uid).toBe('ping')
  expect(logOf({ ...all, ingresses: rows.ingresses }, 'ns', 'pingsource:orders').uid).toBe('newer')
  expect(() => logOf(rows, 'ns', 'pingsource:orders')).toThrow('there is no pingsource ns/orders in force')
})

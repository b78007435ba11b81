import { expect, test } from '@jest/globals'
import { transportHeaders } from './transport-headers.ts'

test('DLV-06, RSP-15 of a request, only the allow-list travels on with its event', () => {
  const raw = [
    ...['Prefer', 'reply', 'Authorization', 'Basic x', 'Cookie', 'a=b', 'Kn-Namespace', 'theirs', 'X-Other', 'x'],
    ...['X-Request-Id', 'r', 'Retry-After', '7', 'Knative-Foo', 'a', 'knative-foo', 'b', 'X-B3-TraceId', 't'],
  ]
  expect(transportHeaders(raw, undefined)).toEqual({
    'x-request-id': 'r',
    'retry-after': '7',
    'knative-foo': 'a, b',
    'x-b3-traceid': 't',
  })
})

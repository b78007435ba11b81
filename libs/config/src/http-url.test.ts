import { expect, test } from '@jest/globals'
import { httpUrl } from './http-url.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:80'],
  ['localhost', 'http://localhost:80'],
  ['::1', 'http://[::1]:80'],
  ['fe80::1%eth0', 'http://[fe80::1%eth0]:80'],
  ['0.0.0.0', 'http://127.0.0.1:80'],
  ['0', 'http://127.0.0.1:80'],
  ['::', 'http://[::1]:80'],
  ['0:0:0:0:0:0:0:0', 'http://[::1]:80'],
])('a listener on %s is reached at %s', (host, url) => {
  expect(httpUrl(host, 80)).toBe(url)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from '@jest/globals'
import { runToExit } from '@sluice/testkit'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

test('an event posted to it appears on stdout, the log stays on stderr, and SIGTERM ends it with 0', async () => {
  const child = spawn(process.execPath, [MAIN], { env: { PORT: '0' }, stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    const log: AsyncIterator<string> = createInterface(child.stderr)[Symbol.asyncIterator]()
    const { url } = JSON.parse((await log.next()).value)
    const headers = { 'ce-id': '1', 'ce-source': '/curl', 'ce-specversion': '1.0', 'ce-type': 'dev.example' }
    const response = await fetch(url, { method: 'POST', headers, body: 'hi' })
    expect(response.status).toBe(200)
    const [shown] = await once(child.stdout, 'data')
    expect(String(shown)).toMatch(/^☁️ {2}cloudevents\.Event\n[\s\S]*Data,\n {2}hi\n$/)
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
})

test('a bad port exits 78', async () => {
  const { code, stderr } = await runToExit(MAIN, { env: { PORT: '99999' } })
  expect(code).toBe(78)
  expect(stderr).toMatch(/^ {2}PORT: "99999" is not a whole number from 0 to 65535$/m)
})

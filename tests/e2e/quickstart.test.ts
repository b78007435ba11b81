import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import { install } from './installation.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0
// The pasted line is a shell's and curl's; without them there is nobody to paste it.
const withCurl = hasCurl ? test : test.skip

describe('npm start', () => {
  withCurl(
    'quickstart: the printed curl line, pasted as it is, shows its event on the screen (needs curl)',
    async () => {
      await using sluice = await install({})
      const [line] = await sluice.running.printed(/^[ \t]*curl (?:.*\\\n)*.*$/m)
      const { stdout, status } = spawnSync('sh', ['-c', `${line} -s -o /dev/null -w '%{http_code}'`], {
        encoding: 'utf8',
      })
      expect([status, stdout.slice(-3)]).toEqual([0, '202'])
      const [shown] = await sluice.running.printed(/type: dev\.example\.hello\n(?:.*\n)+?Data,\n(?:.*\n){3}/)
      expect(shown).toContain('"hello": "world"')
    },
  )

  test('is healthy and ready once it says so, the clock of the quickstart too, and SIGTERM ends it with 0', async () => {
    await using sluice = await install({})
    const control = (sluice.running.urls.control ?? '').replace(/\/$/, '')
    expect((await sluice.get(`${control}/healthz`)).status).toBe(200)
    expect((await sluice.get(`${control}/readyz`)).status).toBe(200)
    expect((await sluice.get(sluice.running.urls.metrics ?? '')).status).toBe(200)
    const source = `${control}/apis/sources.knative.dev/v1/namespaces/default/pingsources/every-minute`
    const { status } = JSON.parse((await sluice.get(source)).text)
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
    sluice.running.kill('SIGTERM')
    expect(await sluice.running.exit).toEqual({ code: 0, signal: null })
  })
})

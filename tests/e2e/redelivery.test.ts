import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { posting, startSink } from '@sluice/testkit'
import { parsePage } from '../docs/pages.ts'
import { install, ROOT } from './installation.ts'
import { broker, trigger } from './manifests.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0
const withCurl = hasCurl ? test : test.skip
const GUIDE = 'docs/guides/dead-letters.md'
const run = promisify(execFile)

type Json = Record<string, unknown> & { readonly events?: readonly { readonly key: string }[] }

describe('the guide to dead letters', () => {
  withCurl(
    'every line of it, pasted as it is, does what the page says; a namesake gets what was parked for a deleted trigger (needs curl)',
    async () => {
      const lines = parsePage(GUIDE, readFileSync(join(ROOT, GUIDE), 'utf8'))
        .fences.filter(({ language }) => language === 'sh')
        .flatMap(({ text }) => text.trimEnd().split('\n'))
      let isDown = true
      await using billing = await startSink({ respond: () => (isDown ? { status: 422, body: 'not today' } : 204) })
      await using mail = await startSink()
      await using sluice = await install({
        manifests: {
          'all.yaml': broker() + trigger('billing', { uri: billing.url }) + trigger('mail', { uri: mail.url }),
        },
      })
      const control = (sluice.running.urls.control ?? '').replace(/\/$/, '')
      const paste = async (line: string): Promise<Json> => {
        const { stdout } = await run('sh', ['-c', `${line} -s -w '\n%{http_code}'`])
        const [, body = '', status] = /^(.*)\n(\d+)$/s.exec(stdout) ?? []
        expect([line, status, body]).toEqual([line, '200', body])
        return JSON.parse(body) as Json
      }
      const paid = (id: string) => posting(id, { type: 'order.paid', source: '/orders' })
      for (const id of ['1', '2', '3', '4']) expect((await sluice.post(paid(id))).status).toBe(202)
      await billing.received(4)
      await mail.received(4)
      const list = `curl ${control}/parked/default/default`
      let listed = await paste(list)
      for (let i = 0; i < 100 && listed.parked !== 4; i++) listed = await paste(list)
      const keys = (listed.events ?? []).map(({ key }) => key)
      const journal = (await paste(`curl '${control}/journal/default/default?id=4'`)).records as readonly Json[]
      const { position } = journal.find(({ what }) => what === 'accepted') ?? {}

      isDown = false
      const answers = new Map<string, Json>()
      let job = ''
      for (const line of lines) {
        const pasted = line
          .replaceAll('http://127.0.0.1:8090', control)
          .replaceAll('q12', keys[line.includes('/purge') ? 1 : 0] ?? '')
          .replaceAll('5f0c1d2e3b4a5968', job)
          .replaceAll('2026-11-26T00:00:00Z', new Date(Date.now() - 60_000).toISOString())
          .replaceAll('"17"', `"${position}"`)
        let answer = await paste(pasted)
        for (let i = 0; i < 100 && answer.state === 'running'; i++)
          answer = await paste(`curl ${control}/jobs/default/${answer.id}`)
        answers.set(line, answer)
        if (typeof answer.id === 'string' && answer.kind === 'redrive') job = answer.id
      }
      const answerTo = (...parts: string[]) =>
        [...answers].find(([line]) => parts.every((part) => line.includes(part)))?.[1] ?? {}

      expect(answerTo('trigger=billing')).toMatchObject({ parked: 4, events: { length: 4 } })
      expect(answerTo("q12'")).toMatchObject({ key: keys[0], failure: { status: 422, body: 'not today' } })
      expect(answerTo('id=1')).toMatchObject({ events: [{ event: { id: '1' } }] })
      expect(answerTo('cesql=')).toMatchObject({ events: { length: 4 } })
      expect(answerTo('redrive', 'keys')).toMatchObject({ state: 'done', done: 1 })
      expect(answerTo('redrive', 'dryRun')).toMatchObject({ state: 'done', matched: 3, done: 0 })
      expect(answerTo('redrive', '"all"')).toMatchObject({ state: 'done', done: 3 })
      expect(answerTo('/jobs/default/', 'cancel')).toMatchObject({ id: job, state: 'done' })
      expect(answerTo('purge', 'keys')).toMatchObject({ state: 'done', done: 0 })
      expect(answerTo('replay', 'dryRun')).toMatchObject({ state: 'done', matched: 4, done: 0 })
      expect(answerTo('replay', 'rate')).toMatchObject({ state: 'done', done: 4 })
      expect(answerTo('replay', 'position')).toMatchObject({ state: 'done', done: 1 })

      await billing.received(12)
      const replayed = billing.requests.filter(({ headers }) => headers['ce-sluicereplay'] === 'after-the-outage')
      expect(replayed.map(({ id }) => id)).toEqual(['1', '2', '3', '4'])
      const again = billing.requests.slice(4, 8)
      expect(again.map(({ id }) => id).toSorted()).toEqual(['1', '2', '3', '4'])
      expect([billing.count, mail.count]).toEqual([12, 4])
      expect(await paste(list)).toMatchObject({ parked: 0 })

      isDown = true
      expect((await sluice.post(paid('5'))).status).toBe(202)
      await billing.received(13)
      const listBilling = async (isDone: (answer: Json) => boolean) => {
        for (let i = 0; i < 200; i++) {
          const answer = await paste(`${list}?trigger=billing`)
          if (isDone(answer)) return answer
        }
        throw new Error('the list stayed as it was')
      }
      await listBilling(({ parked }) => parked === 1)
      sluice.write('all.yaml', broker() + trigger('mail', { uri: mail.url }))
      const inForce = (answer: Json) => (answer.events?.[0] as Json | undefined)?.isInForce
      const gone = await listBilling((answer) => inForce(answer) === false)
      expect(gone).toMatchObject({ parked: 1, events: [{ trigger: 'billing', event: { id: '5' } }] })
      const namesake = trigger('billing', { uri: `${billing.url}/namesake` })
      sluice.write('all.yaml', broker() + trigger('mail', { uri: mail.url }) + namesake)
      isDown = false
      const redrive = `curl -o /dev/null ${control}/parked/default/default/redrive -d '{"trigger": "billing", "all": true}'`
      const again404 = async () => (await run('sh', ['-c', `${redrive} -s -w '%{http_code}'`])).stdout
      for (let i = 0; i < 200 && (await again404()) === '404'; i++);
      const { id, path } = (await billing.received(14))[13] ?? {}
      expect([id, path]).toEqual(['5', '/namesake'])
      await listBilling(({ parked }) => parked === 0)
    },
  )
})

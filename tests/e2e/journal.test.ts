import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { posting, startSink } from '@sluice/testkit'
import { install } from './installation.ts'
import { broker, quickRetries, trigger } from './manifests.ts'

interface Told {
  readonly records: readonly Record<string, unknown>[]
  readonly unmatched?: readonly { name: string; reason: string }[]
  readonly notExplained?: string
}

describe('the journal', () => {
  test('says of an event which triggers it matched, each attempt, the reply, the dead letter, and why the third got nothing', async () => {
    await using failing = await startSink({ respond: () => 503 })
    await using letters = await startSink()
    await using replying = await startSink({ respond: reply })
    const deadLetterSink = { uri: `${letters.url}/letters?token=secret` }
    await using sluice = await install({
      manifests: {
        'all.yaml':
          broker() +
          trigger('a-failing', {
            uri: failing.url,
            attributes: { type: 'ask' },
            delivery: { ...quickRetries(1), deadLetterSink },
          }) +
          trigger('b-replying', { uri: replying.url, attributes: { type: 'ask' } }) +
          trigger('c-other', { uri: replying.url, attributes: { type: 'other' } }),
      },
    })
    const { headers, body } = posting('say "hi"')
    expect((await sluice.post({ headers: { ...headers, 'ce-type': 'ask' }, body })).status).toBe(202)
    await letters.received(1)

    const control = (sluice.running.urls.control ?? '').replace(/\/$/, '')
    const ask = async (query: string) => {
      const answer = await sluice.get(`${control}/journal/default/default${query}`)
      return { status: answer.status, told: JSON.parse(answer.text) as Told & { code?: string }, text: answer.text }
    }
    let answer = await ask(`?id=${encodeURIComponent('say "hi"')}`)
    for (let i = 0; i < 100 && answer.told.records.length < 6; i++)
      answer = await ask(`?id=${encodeURIComponent('say "hi"')}`)
    const { told } = answer
    expect(told.records[0]).toMatchObject({ what: 'accepted', ingress: 'ingress', revision: expect.any(Number) })
    const judged = told.records.find(({ what }) => what === 'judged')
    expect(judged?.triggers).toEqual(expect.arrayContaining(['a-failing', 'b-replying']))
    const attempts = (name: string) => told.records.filter((record) => record.trigger === name)
    expect(attempts('a-failing')).toMatchObject([
      { to: 'subscriber', attempt: 1, outcome: 'retried', status: 503 },
      { to: 'subscriber', attempt: 2, outcome: 'handed-on', status: 503 },
      { to: 'dead-letter', attempt: 1, outcome: 'dead-lettered', status: 204, dest: `${letters.url}/letters` },
    ])
    expect(attempts('b-replying')).toMatchObject([{ outcome: 'delivered', status: 200, replyId: 'reply-1' }])
    expect(told.unmatched).toMatchObject([{ name: 'c-other', reason: expect.stringContaining('type') }])
    expect(answer.text).not.toContain('secret')

    expect((await ask('?id=nobody')).told).toMatchObject({ records: [], notExplained: expect.any(String) })
    expect([(await ask('')).told.code, (await ask('?id=1&what=x')).status]).toEqual(['QUERY_INVALID', 400])
  })

  test('a journal that can not be written loses its records and nothing else', async () => {
    await using sink = await startSink()
    await using sluice = await install({ manifests: { 'all.yaml': broker() + trigger('all', { uri: sink.url }) } })
    const folder = join(sluice.env.SLUICE_DATA_DIR ?? '', 'journal')
    rmSync(folder, { recursive: true, force: true })
    writeFileSync(folder, 'in the way')
    for (let i = 0; i < 20; i++) expect((await sluice.post(posting(`e${i}`))).status).toBe(202)
    await sink.received(20)
    const control = (sluice.running.urls.control ?? '').replace(/\/$/, '')
    const { status, text } = await sluice.get(`${control}/journal/default/default?id=e1`)
    expect([status, (JSON.parse(text) as Told).records]).toEqual([200, []])
    const metrics = (sluice.running.urls.metrics ?? '').replace(/\/metrics$/, '')
    expect((await sluice.get(`${metrics.replace(/\/$/, '')}/metrics`)).text).toMatch(
      /journal_records_dropped_total\{[^}]*write-failed/,
    )
  })
})

function reply() {
  const headers = { 'ce-id': 'reply-1', 'ce-source': '/replies', 'ce-type': 'answer', 'ce-specversion': '1.0' }
  return { status: 200, headers }
}

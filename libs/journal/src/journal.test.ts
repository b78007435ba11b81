import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createEvent } from '@sluice/cloudevents'
import type { Answerer, Asked, Contract, Delta, OpenedContract } from '@sluice/contract'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { journalRoute } from './journal-route.ts'
import { type OpenJournal, openJournal } from './open-journal.ts'
import { destOf } from './record.ts'
import { findAtReplicas } from './replicas.ts'
import { openServiceJournal } from './service-journal.ts'

const QUEUES = 'queues'
const HOSTILE = ['say "hi"', '{"i":"a","s":"/s"', 'a\\u0022b', 'ünïcödé ☃ 🦊', 'x'.repeat(1_024), 'y'.repeat(5_000)]

describe('the journal', () => {
  let folder: string
  let telemetry: ReturnType<typeof createTestTelemetry>
  const lost = () => telemetry.read('journal_records_dropped_total') ?? 0
  const eventOf = (id: string, source = '/s') => createEvent({ id, source, type: 't', specversion: '1.0' }, undefined)
  const open = (more: object = {}) =>
    openJournal({ folder, maxBytes: 2 ** 20, clock: new VirtualClock(), telemetry, ...more })
  const facts = (position: string) => ({ ingress: 'ingress', revision: 1, position })
  const wanted = (id: string, source?: string) => ({ id, source, queues: QUEUES, limit: 100 })
  const findIn = (journal: OpenJournal) => async (of: Parameters<OpenJournal['find']>[0]) => ({
    records: await journal.find(of),
  })
  const files = () => readdirSync(folder).toSorted()

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'journal-'))
    telemetry = createTestTelemetry()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('what is recorded is found by id, in order, before and after a restart, and by no other id, source or broker', async () => {
    {
      await using journal = open()
      journal.record('accepted', QUEUES, eventOf('1'), facts('p1'))
      journal.record('judged', QUEUES, eventOf('1'), { triggers: ['a'] })
      journal.record('accepted', QUEUES, eventOf('1', '/other'), facts('p2'))
      journal.record('accepted', 'elsewhere', eventOf('1'), facts('p3'))
      journal.record('accepted', QUEUES, eventOf('11'), facts('p4'))
      expect((await journal.find(wanted('1', '/s'))).map(({ what }) => what)).toEqual(['accepted', 'judged'])
    }
    await using journal = open()
    journal.record('judged', QUEUES, eventOf('1'), { triggers: ['b'] })
    const found = await journal.find(wanted('1'))
    expect(found.map(({ what, source }) => [what, source])).toEqual([
      ['accepted', '/s'],
      ['accepted', '/other'],
      ['judged', '/s'],
      ['judged', '/s'],
    ])
    expect(found[0]).toMatchObject({ position: 'p1', ingress: 'ingress', revision: 1 })
  })

  test.each(HOSTILE.map((id) => [id.slice(0, 30), id]))(
    'an id such as %s is found, and finds itself only',
    async (_, id) => {
      await using journal = open()
      for (const each of [...HOSTILE, 'a']) journal.record('accepted', QUEUES, eventOf(each), facts(each.slice(0, 20)))
      const found = await journal.find(wanted(id))
      expect(found).toHaveLength(1)
      expect(found[0]).toMatchObject({ position: id.slice(0, 20) })
    },
  )

  test('files stay within their bound, the oldest records go, the newest are found over the edges of files and slices', async () => {
    await using journal = open()
    for (let i = 0; i < 16_000; i++) {
      journal.record('accepted', QUEUES, eventOf(`id-${i}`), facts('p'.repeat(20)))
      if (i % 1_000 === 0) await journal.find(wanted('none'))
    }
    expect(await journal.find(wanted('id-0'))).toEqual([])
    for (let i = 15_000; i < 16_000; i += 37) expect(await journal.find(wanted(`id-${i}`))).toHaveLength(1)
    expect(files()).toHaveLength(8)
    const bytes = files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    expect(bytes).toBeLessThanOrEqual(2 ** 20)
    expect(lost()).toBe(0)
    for (const name of files()) unlinkSync(join(folder, name))
    expect(await journal.find(wanted('id-15999'))).toEqual([])
  })

  test('a torn last line is passed over, and what follows it is found', async () => {
    {
      await using journal = open()
      journal.record('accepted', QUEUES, eventOf('whole'), facts('p'))
      journal.record('accepted', QUEUES, eventOf('torn'), facts('p'))
    }
    const last = join(folder, files().at(-1) ?? '')
    truncateSync(last, statSync(last).size - 5)
    await using journal = open()
    journal.record('accepted', QUEUES, eventOf('after'), facts('p'))
    expect(await journal.find(wanted('whole'))).toHaveLength(1)
    expect(await journal.find(wanted('torn'))).toEqual([])
    expect(await journal.find(wanted('after'))).toHaveLength(1)
    appendFileSync(last, 'no JSON\n')
    expect(await journal.find(wanted('after'))).toHaveLength(1)
  })

  test('while the disk is slow, what no longer fits into memory is dropped and counted, the rest is kept', async () => {
    const stuck = Promise.withResolvers<void>()
    let lines = 0
    const segments = {
      async append(chunk: Buffer) {
        await stuck.promise
        lines += chunk.toString().split('\n').length - 1
      },
      newestFirst: async () => [],
      [Symbol.asyncDispose]: async () => {},
    }
    await using journal = open({ segments })
    for (let i = 0; i < 50_000; i++) journal.record('accepted', QUEUES, eventOf(`id-${i}`), facts('p'))
    expect(lost()).toBeGreaterThan(30_000)
    stuck.resolve()
    await journal[Symbol.asyncDispose]()
    expect(lines + lost()).toBe(50_000)
  })

  test('a disk that refuses costs the records and nothing else; once it takes again, so does the journal', async () => {
    let isFull = true
    const written: string[] = []
    const segments = {
      async append(chunk: Buffer) {
        if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
        written.push(chunk.toString())
      },
      newestFirst: async () => [],
      [Symbol.asyncDispose]: async () => {},
    }
    await using journal = open({ segments })
    journal.record('accepted', QUEUES, eventOf('1'), facts('p'))
    expect(await journal.find(wanted('1'))).toEqual([])
    expect(lost()).toBe(1)
    isFull = false
    journal.record('accepted', QUEUES, eventOf('2'), facts('p'))
    await journal.find(wanted('2'))
    expect(written).toHaveLength(1)
  })

  test('of an address no credentials, query or fragment are kept', () => {
    expect(destOf('https://user:secret@sink.example/a?token=secret#x')).toBe('https://sink.example/a')
    expect(destOf('http://sink.example/a')).toBe('http://sink.example/a')
    expect(destOf('secret@?')).toBe('')
  })

  test('a service apart answers for what it saw by the logs of its contract, and names what it does not explain', async () => {
    const config = { journal: 'on', journalMaxBytes: 2 ** 20, dataDir: folder, replica: 'a/b' } as const
    const log = { namespace: 'ns', name: 'b', uid: 'u', queues: QUEUES }
    const answerers: Answerer[] = []
    const contract: Pick<OpenedContract, 'watch' | 'answer'> = {
      answer: (_topic, answerer) => void answerers.push(answerer),
      watch(_, apply) {
        void apply({ revision: 7, put: { logs: [log] }, removed: { logs: [] } } as unknown as Delta)
        return { [Symbol.dispose]() {} }
      },
    }
    const deps = { name: 'ingress', contract, clock: new VirtualClock(), telemetry }
    expect(openServiceJournal({ ...deps, config: { ...config, journal: 'off' } })).toBeUndefined()
    await using kept = openServiceJournal({ ...deps, config })
    kept?.journal.record('accepted', QUEUES, eventOf('1'), facts('p'))
    const ask = (broker: string, query: string) =>
      kept?.route.answer({ path: { namespace: 'ns', broker }, query: new URLSearchParams(query) })
    expect(await ask('b', 'id=1')).toMatchObject({
      revision: 7,
      records: [{ what: 'accepted', position: 'p' }],
      notExplained: expect.stringContaining('ask the controller'),
    })
    expect(files()).toEqual(['journal.ingress.a_b'])
    await expect(ask('other', 'id=1')).rejects.toMatchObject({ detail: { code: 'BROKER_UNKNOWN' } })
    await expect(ask('b', 'id=1&id=2')).rejects.toMatchObject({ detail: { code: 'QUERY_INVALID' } })
    const [off, on] = answerers
    expect(await off?.(wanted('1'))).toEqual({ off: true })
    expect(await on?.(wanted('1'))).toMatchObject({ records: [{ what: 'accepted', position: 'p' }] })
    await expect(on?.({ id: 1 })).rejects.toThrow('another version')
  })

  test('of all replicas the records come as one, by time, the newest; who told nothing is named with the reason', async () => {
    const replica = (name: string) => ({ replica: name, roles: ['filter'] as const, instance: name, acknowledged: 1 })
    const record = (ms: number, what: string) => ({ at: new Date(ms).toISOString(), what, source: '/s' })
    const asked: unknown[] = []
    const find = findAtReplicas(async (topic, about): Promise<Asked> => {
      asked.push([topic, about])
      return {
        answers: [
          { replica: replica('a'), answer: { records: [record(2, 'judged'), record(3, 'attempt')] } },
          { replica: replica('b'), answer: { records: [record(1, 'accepted'), record(2, 'accepted')] } },
          { replica: replica('off'), answer: { off: true } },
          { replica: replica('odd'), answer: null },
        ],
        unanswered: [{ replica: replica('gone'), reason: 'its lease ended' }],
      }
    })
    const found = await find({ ...wanted('1'), limit: 3 })
    expect(asked).toEqual([['journal', { ...wanted('1'), limit: 3 }]])
    expect(found.records.map(({ what }) => what)).toEqual(['accepted', 'judged', 'attempt'])
    const roles = ['filter']
    expect(found.unanswered).toEqual([
      { replica: 'gone', roles, reason: 'its lease ended' },
      { replica: 'off', roles, reason: 'it keeps none: JOURNAL=off' },
      { replica: 'odd', roles, reason: 'its answer is none' },
    ])
  })

  test.each<[string, () => AsyncGenerator<never>, string]>([
    [
      'can not be read',
      () => {
        throw new Error('away')
      },
      'the log can not be read now: ask again',
    ],
    ['does not have it', async function* () {}, 'the log does not have the event any more'],
  ])('why others did not match is not made up while the log %s', async (_, read, notExplained) => {
    await using journal = open()
    journal.record('accepted', QUEUES, eventOf('1'), facts('p'))
    const log = { namespace: 'ns', name: 'b', uid: 'u', queues: QUEUES }
    const contract = () => ({ revision: 1, logs: [log], routes: [] }) as unknown as Contract
    const explain = () => ({ matches: false })
    const { answer } = journalRoute({ find: findIn(journal), contract, explaining: { driver: { read }, explain } })
    const path = { namespace: 'ns', broker: 'b' }
    expect(await answer({ path, query: new URLSearchParams('id=1') })).toMatchObject({ notExplained })
  })
})

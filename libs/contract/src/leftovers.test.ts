import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Telemetry } from '@sluice/telemetry'
import { settle, VirtualClock } from '@sluice/testkit'
import { removeLeftovers } from './leftovers.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let folder: string
let clock: VirtualClock
const telemetry = { log: { info: () => {}, warn: () => {} } } as unknown as Telemetry

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leftovers-'))
  clock = new VirtualClock()
})
afterEach(() => rm(folder, { recursive: true }))

/** Last used `ago` ms before now. */
async function left(name: string, ago: number): Promise<void> {
  const path = join(folder, name)
  if (name.startsWith('journal')) {
    await mkdir(path)
    await writeFile(join(path, '000000000000.ndjson'), '{}\n')
  } else await writeFile(path, '{}')
  const at = (clock.now() - ago) / 1_000
  await utimes(path, at, at)
}

const open = (own: string, prefix: string) => removeLeftovers({ own: join(folder, own), prefix, clock, telemetry })
const there = async () => (await readdir(folder)).sort()

test('what nobody of its kind has used for a week goes, folder or file, and nothing else', async () => {
  await left('journal.filter.gone', 8 * DAY)
  await left('journal.filter.recent', 6 * DAY)
  await left('journal.filter-dispatcher.gone', 8 * DAY)
  await left('contract.filter.gone.json', 8 * DAY)
  await left('contract.json', 8 * DAY)
  await open('journal.filter.own', 'journal.filter.')[Symbol.asyncDispose]()
  await open('contract.filter.own.json', 'contract.filter.')[Symbol.asyncDispose]()
  expect(await there()).toEqual(['contract.json', 'journal.filter-dispatcher.gone', 'journal.filter.recent'])
})

test('a process keeps its own however old, and whatever others do while it lives', async () => {
  await left('journal.filter.own', 30 * DAY)
  const own = open('journal.filter.own', 'journal.filter.')
  for (let hours = 0; hours < 24; hours++) {
    while (clock.pending === 0) await settle()
    await clock.advance(HOUR)
    await left(`journal.filter.new${hours}`, 4 * HOUR)
  }
  while (clock.pending === 0) await settle()
  await own[Symbol.asyncDispose]()
  await open('journal.filter.next', 'journal.filter.')[Symbol.asyncDispose]()
  expect(await there()).toContain('journal.filter.own')
})

test('of what is surely not in use eight are kept, the newest; what may be in use is', async () => {
  for (let i = 10; i < 20; i++) await left(`journal.filter.gone${i}`, i * HOUR)
  await left('journal.filter.live', 2 * HOUR)
  await open('journal.filter.own', 'journal.filter.')[Symbol.asyncDispose]()
  const kept = Array.from({ length: 8 }, (_, i) => `journal.filter.gone${i + 10}`)
  expect(await there()).toEqual([...kept, 'journal.filter.live'])
})

test('a file and what lies beside it under its name stay or go together, by the newest of them', async () => {
  await left('contract.filter.used.json', 30 * DAY)
  await left('contract.filter.used.json.changes', DAY)
  await left('contract.filter.gone.json', 30 * DAY)
  await left('contract.filter.gone.json.changes', 8 * DAY)
  await left('contract.filter.own.json.changes', 30 * DAY)
  await open('contract.filter.own.json', 'contract.filter.')[Symbol.asyncDispose]()
  await open('contract.filter.next.json', 'contract.filter.')[Symbol.asyncDispose]()
  const kept = ['contract.filter.own.json.changes', 'contract.filter.used.json', 'contract.filter.used.json.changes']
  expect(await there()).toEqual(kept)
})

test('a folder that is not there is no problem', async () => {
  const own = removeLeftovers({ own: join(folder, 'no', 'journal.filter.own'), prefix: 'journal.', clock, telemetry })
  await own[Symbol.asyncDispose]()
  expect(await there()).toEqual([])
})

import { describe, expect, test } from '@jest/globals'
import { EVENTS_PER_SECOND, readFlags } from './flags.ts'
import { LAYOUTS } from './layouts/index.ts'
import { printable } from './report.ts'
import { run } from './run.ts'

/** Of load and blows in each layout: all of them together, started, brought to rest and judged, take less than a minute. */
const LOAD_MS = 10_000
/** Coming to rest is quick but for a busy machine. */
const TIMEOUT_MS = 180_000
const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000)
/** The others take a minute each that this command does not have: `npm run chaos` runs them. */
const TESTED: ReadonlySet<string> = new Set(['standalone', 'apart'])
const layouts = [...LAYOUTS].filter(([name]) => TESTED.has(name))
const found = await Promise.all(layouts.map(async ([name, find]) => ({ name, open: await find() })))

describe('chaos: what was accepted is delivered, dead-lettered or parked, in order where asked for, repeated only with reason', () => {
  for (const { name, open } of found) {
    if (typeof open === 'string') {
      process.stderr.write(`chaos ${name} skipped: ${open}\n`)
      test.skip(name, () => {})
      continue
    }
    test(
      name,
      async () => {
        process.stdout.write(`chaos ${name}: seed ${seed}; SLUICE_SEED=${seed} repeats it\n`)
        const report = await run({ seed, loadMs: LOAD_MS, eventsPerSecond: EVENTS_PER_SECOND, open })
        const text = printable(name, seed, report)
        process.stdout.write(text)
        expect(report.verdict.broken.length === 0 ? '' : text).toBe('')
        expect(report.accepted).toBeGreaterThan(0)
        expect(report.disturbances.length).toBeGreaterThan(0)
      },
      TIMEOUT_MS,
    )
  }
})

describe('npm run chaos', () => {
  test('has a minute of load and a new seed in every layout, unless told otherwise', () => {
    const plain = { minutes: 1, seed: 5, layouts: ['x', 'y'], eventsPerSecond: EVENTS_PER_SECOND, help: false }
    expect(readFlags([], ['x', 'y'], 5)).toEqual(plain)
    const told = ['--minutes', '2.5', '--seed', '42', '--layout', 'y', '--rate', '9']
    expect(readFlags(told, ['x', 'y'], 5)).toEqual({
      ...plain,
      minutes: 2.5,
      seed: 42,
      layouts: ['y'],
      eventsPerSecond: 9,
    })
  })

  test('refuses what it does not know, all at once', () => {
    const told = ['--minutes', '61', '--seed=-1', '--layout', 'z', '--rate', '1.5']
    expect(() => readFlags(told, ['x'], 5)).toThrow(
      /--minutes: "61".*\n--seed: "-1".*\n--rate: "1.5".*\n--layout: unknown z/,
    )
    expect(() => readFlags(['--hours', '1'], ['x'], 5)).toThrow(/--hours/)
  })
})

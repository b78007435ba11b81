import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failureOf } from '@sluice/errors'
import { type Case, type Figures, openBench } from './bench.ts'
import { CASES } from './cases/index.ts'
import { DRIVERS, type Driver, type Flags, helpText, readFlags } from './flags.ts'
import { writeReadme } from './readme.ts'
import { printable } from './report.ts'
import { describeMachine, type Results, summarise } from './results.ts'

const RESULTS_DIR = new URL('../../../bench-results', import.meta.url).pathname

function chosen({ driver, only, quick }: Flags): Case[] {
  const cases = CASES[driver]
  const asked = cases.filter(({ name, isLong }) => (only.length > 0 ? only.includes(name) : !(quick && isLong)))
  const names = new Set(asked.flatMap(({ name, against }) => [name, ...against]))
  return cases.filter(({ name }) => names.has(name))
}

/** Every case once per repeat, in turn, so that a slow minute of the machine hits all of them alike. */
async function runAll(flags: Flags, stack: AsyncDisposableStack): Promise<Map<string, Figures[]>> {
  const bench = await openBench(flags, RESULTS_DIR, stack)
  const runs = new Map<string, Figures[]>()
  for (let repeat = 1; repeat <= flags.repeats; repeat += 1) {
    for (const { name, about, run, isLong } of chosen(flags)) {
      if (isLong && repeat > 1) continue
      process.stderr.write(`${repeat}/${flags.repeats} ${name}: ${about}\n`)
      // A case that fails is told at once; the others still have something to say.
      const measured = await run(bench).catch((error: unknown) => {
        process.stderr.write(`${name} failed: ${(error as Error).stack}\n`)
        process.exitCode = 1
        return {}
      })
      for (const [measurement, figures] of Object.entries(measured)) {
        runs.set(measurement, [...(runs.get(measurement) ?? []), figures])
      }
    }
  }
  return runs
}

async function main(args: readonly string[]): Promise<void> {
  const names = DRIVERS.map((driver) => [driver, CASES[driver].map(({ name }) => name)])
  const flags = readFlags(args, Object.fromEntries(names) as Record<Driver, string[]>)
  if (flags.help) return void process.stdout.write(helpText(CASES))
  mkdirSync(RESULTS_DIR, { recursive: true })
  await using stack = new AsyncDisposableStack()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stack.disposeAsync().then(() => process.exit(130)))
  }
  const start = performance.now()
  const runs = await runAll(flags, stack)
  const date = new Date().toISOString()
  const results: Results = {
    date,
    ...describeMachine(),
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    repeats: flags.repeats,
    seconds: Math.round((performance.now() - start) / 1e3),
    ...summarise(runs),
  }
  const file = join(RESULTS_DIR, `${date.replaceAll(':', '-')}.json`)
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`)
  if (flags.readme && flags.driver !== 'kafka') writeReadme(results, flags.driver)
  process.stdout.write(flags.json ? `${JSON.stringify(results)}\n` : `\n${printable(results)}\n\n${file}\n`)
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  const isOurs = failureOf(error).code === 'CONFIG_INVALID'
  process.stderr.write(`${isOurs ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = isOurs ? 78 : 1
})

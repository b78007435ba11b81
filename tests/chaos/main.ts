/** `npm run chaos`: the scenario for as long as asked, in each layout. */
import { failureOf } from '@sluice/errors'
import { HELP, readFlags } from './flags.ts'
import { LAYOUTS } from './layouts/index.ts'
import { printable } from './report.ts'
import { run } from './run.ts'

async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, [...LAYOUTS.keys()], Date.now() % 1_000_000)
  if (flags.help) return void process.stdout.write(HELP)
  const { seed, eventsPerSecond } = flags
  process.stdout.write(`chaos: seed ${seed}; --seed ${seed} repeats it\n`)
  for (const name of flags.layouts) {
    const open = await LAYOUTS.get(name)?.()
    if (typeof open !== 'function') {
      process.stdout.write(`chaos ${name}: skipped: ${open}\n`)
      continue
    }
    const report = await run({ seed, loadMs: flags.minutes * 60_000, eventsPerSecond, open })
    process.stdout.write(printable(name, seed, report))
    if (report.verdict.broken.length > 0) process.exitCode = 1
  }
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  const isOurs = failureOf(error).code === 'CONFIG_INVALID'
  process.stderr.write(`${isOurs ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = isOurs ? 78 : 1
})

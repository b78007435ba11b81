import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from './run.ts'

/** Told of each promise that broke; the rest is in the file. */
const MOST_SHOWN = 10

/** One line when all is well; what broke, and where the logs are, when not. */
export function printable(
  layout: string,
  seed: number,
  { verdict, accepted, disturbances, seconds, logs }: Report,
): string {
  const { broken, deliveries, ends, repeats, allowed, oldestRepeatMs } = verdict
  const summary =
    `chaos ${layout}: seed ${seed}; ${accepted} events accepted, ${deliveries} deliveries: ${ends.delivered} delivered, ` +
    `${ends['dead-lettered']} dead-lettered, ${ends.parked} parked; ${disturbances.length} blows; ${repeats} repeats ` +
    `of ${allowed} allowed, the oldest ended ${oldestRepeatMs} ms before; ${seconds} s\n`
  if (broken.length === 0) return summary
  const lines = broken.map(({ promised, trigger, id, detail }) => `${promised}: ${trigger} ${id}: ${detail}`)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'))
  writeFileSync(join(folder, 'broken.txt'), `${summary}${lines.join('\n')}\n`)
  const blows = disturbances.map(
    ({ what, at, upAt }) => `${(at / 1_000).toFixed(3)}-${(upAt / 1_000).toFixed(3)} s ${what}`,
  )
  writeFileSync(join(folder, 'blows.txt'), `${blows.join('\n')}\n`)
  for (const [name, log] of logs) writeFileSync(join(folder, `${name}.log`), log)
  const kinds = Object.entries(Object.groupBy(broken, ({ promised }) => promised))
  const shown = kinds.flatMap(([promised, all = []]) => [
    `  ${promised}: broken ${all.length} times`,
    ...all.slice(0, MOST_SHOWN).map(({ trigger, id, detail }) => `    ${trigger} ${id}: ${detail}`),
  ])
  return `${summary}BROKEN, seed ${seed}\n${shown.join('\n')}\n  all of it, and the logs: ${folder}\n`
}

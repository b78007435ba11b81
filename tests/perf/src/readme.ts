import { readFileSync, writeFileSync } from 'node:fs'
import type { Driver } from './flags.ts'
import { verdicts } from './report.ts'
import type { Results } from './results.ts'

const README = new URL('../../../README.md', import.meta.url)
const MARKS = {
  embedded: /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/,
  nats: /(<!-- bench nats -->\n)[\s\S]*?(<!-- \/bench nats -->)/,
}

/** Puts the verdicts of a run between the marks of the README. */
export function writeReadme(results: Results, driver: Exclude<Driver, 'kafka'>): void {
  const text = readFileSync(README, 'utf8')
  writeFileSync(
    README,
    text.replace(MARKS[driver], (_, open, close) => `${open}${verdicts(results)}\n${close}`),
  )
}

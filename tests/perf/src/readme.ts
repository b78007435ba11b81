import { readFileSync, writeFileSync } from 'node:fs'
import { verdicts } from './report.ts'
import type { Results } from './results.ts'

const README = new URL('../../../README.md', import.meta.url)
const MARKS = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/

/** Puts the verdicts of a run between the marks of the README. */
export function writeReadme(results: Results): void {
  const text = readFileSync(README, 'utf8')
  writeFileSync(
    README,
    text.replace(MARKS, (_, open, close) => `${open}${verdicts(results)}\n${close}`),
  )
}

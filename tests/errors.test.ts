import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { FAILURE_CODES } from '@sluice/errors'

const rows = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\| `[A-Z_]+` \|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
const documented = rows.map(([code]) => (code ?? '').replaceAll('`', ''))

test('every failure code is documented, and every documented code exists', () => {
  expect([...documented].sort()).toEqual([...FAILURE_CODES].sort())
})

test('each row says what happened, what to do, and the status or exit code', () => {
  for (const cells of rows) {
    expect(cells).toHaveLength(4)
    expect(cells).not.toContain('')
    expect(cells[3]).toMatch(/^(–|\d{3}|exit \d+)$/)
  }
})

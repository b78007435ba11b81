import type { Figures } from './bench.ts'
import type { Results } from './results.ts'

const COLUMNS: readonly (readonly [figure: string, title: string, digits: number])[] = [
  ['rate', 'events/s', 0],
  ['cpuUs', 'CPU µs', 1],
  ['ackP50', 'ack p50', 2],
  ['ackP99', 'p99 ms', 2],
  ['arrivalP50', 'e2e p50', 2],
  ['arrivalP99', 'p99 ms', 2],
  ['generatorUs', 'gen µs', 1],
  ['rssMb', 'RSS MB', 0],
  ['errors', 'errors', 0],
  ['others', 'others', 2],
]

/** When, where and how it was measured, and the targets with verdicts: what the README shows. */
export function verdicts(results: Results): string {
  const { date, machine, node, commit, command, repeats, seconds } = results
  const head = `${date} · ${machine} · Node ${node} · ${commit} · \`${command}\` · medians of ${repeats} · ${seconds} s`
  const targets = results.targets.map(({ what, target, measured, met, runs }) => [
    what,
    target,
    measured.toFixed(2),
    `${Math.min(...runs).toFixed(2)} – ${Math.max(...runs).toFixed(2)}`,
    met ? 'yes' : '**no**',
  ])
  return `${head}\n\n${table(['what', 'target', 'measured', 'of all', 'met'], targets)}`
}

/** Two tables in Markdown: targets with verdicts, and the medians behind them. */
export function printable(results: Results): string {
  const measured = Object.entries(results.measurements)
  const figures = measured
    .filter(([, { median }]) => 'cpuUs' in median)
    .map(([name, { median }]) => [name, ...COLUMNS.map(([key, , digits]) => shown(median, key, digits))])
  const others = measured
    .filter(([, { median }]) => !('cpuUs' in median))
    .map(
      ([name, { median }]) =>
        `${name}: ${Object.entries(median)
          .map(([key, n]) => `${key} ${n.toFixed(2)}`)
          .join(', ')}`,
    )
  const quiet = '`others`: processors busy with something else meanwhile; far from 0 the figures say little.'
  return [
    verdicts(results),
    table(['case', ...COLUMNS.map(([, title]) => title)], figures),
    quiet,
    others.join('\n'),
  ].join('\n\n')
}

function shown(figures: Figures, key: string, digits: number): string {
  const value = figures[key]
  return value === undefined || Number.isNaN(value) || (/P\d\d$/.test(key) && value === 0) ? '' : value.toFixed(digits)
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(titles), rule, ...rows.map(line)].join('\n')
}

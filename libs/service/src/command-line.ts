import { describeConfig, type Shape } from '@sluice/config'

export function wantsHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h')
}

/** A service takes no arguments; one that is given would otherwise be ignored. */
export function argumentProblems(args: readonly string[]): string[] {
  return args.map((arg) => `${arg.slice(0, 80)}: is not an argument; settings are environment variables, see --help`)
}

/** The variables of a service as an aligned table. */
export function help(service: string, shape: Shape): string {
  const rows = describeConfig(shape)
  const width = (column: 'name' | 'default') => Math.max(...rows.map((row) => row[column].length))
  const lines = rows.map(
    (row) => `  ${row.name.padEnd(width('name'))}  ${row.default.padEnd(width('default'))}  ${row.meaning}`,
  )
  return `${service}: settings are environment variables\n\n${lines.join('\n')}\n`
}

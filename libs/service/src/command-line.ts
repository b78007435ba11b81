import { describeConfig, type Shape } from '@sluice/config'
import { EventingError } from '@sluice/errors'

export function wantsHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h')
}

/** A service takes no arguments; one that is given would otherwise be ignored. Throws CONFIG_INVALID. */
export function refuseArguments(args: readonly string[]): void {
  const problems = args.map(
    (arg) => `${arg.slice(0, 80)}: is not an argument; settings are environment variables, see --help`,
  )
  if (problems.length > 0) throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join('; '))
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

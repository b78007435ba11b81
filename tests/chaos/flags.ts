import { parseArgs } from 'node:util'
import { EventingError } from '@sluice/errors'

export interface Flags {
  /** Of load, per layout. */
  readonly minutes: number
  readonly seed: number
  readonly layouts: readonly string[]
  readonly eventsPerSecond: number
  readonly help: boolean
}

const MOST = { minutes: 60, seed: 2 ** 32 - 1, rate: 500 }
export const EVENTS_PER_SECOND = 120

const OPTIONS = {
  minutes: { type: 'string' },
  seed: { type: 'string' },
  layout: { type: 'string' },
  rate: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export const HELP = `npm run chaos -- [flags]: kills and restarts at random, and checks that every promise holds

  --minutes N  of load per layout, up to ${MOST.minutes}; 1 unless given
  --seed S     repeats the kills, events and subscribers of that seed, as far as time allows; else a new one
  --layout L   one of the layouts; all unless given
  --rate R     events per second, up to ${MOST.rate}; ${EVENTS_PER_SECOND} unless given
  --help, -h   this

exit code 0: every promise held · 1: one did not, or an installation did not start · 78: these flags
`

/** What `HELP` lists. Anything else is CONFIG_INVALID, with every problem. */
export function readFlags(args: readonly string[], layouts: readonly string[], newSeed: number): Flags {
  const problems: string[] = []
  const { values } = parsed(args)
  const number = (name: 'minutes' | 'seed' | 'rate', least: number, fallback: number) => {
    const given = values[name]
    if (given === undefined) return fallback
    const value = Number(given)
    const isFine =
      given.trim() !== '' && value >= least && value <= MOST[name] && (name === 'minutes' || Number.isInteger(value))
    if (!isFine) problems.push(`--${name}: "${given}" is not a number from ${least} to ${MOST[name]}`)
    return value
  }
  const flags = {
    minutes: number('minutes', 0.1, 1),
    seed: number('seed', 0, newSeed),
    layouts: values.layout === undefined ? layouts : [values.layout],
    eventsPerSecond: number('rate', 1, EVENTS_PER_SECOND),
    help: values.help === true,
  }
  for (const layout of flags.layouts.filter((name) => !layouts.includes(name))) {
    problems.push(`--layout: unknown ${layout}; there are ${layouts.join(', ')}`)
  }
  if (problems.length > 0) throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join('\n'))
  return flags
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true })
  } catch (error) {
    const problem = (error as Error).message
    throw new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
  }
}

import { parseArgs } from 'node:util'
import { EventingError } from '@sluice/errors'

export interface Flags {
  readonly driver: Driver
  readonly repeats: number
  readonly warmupMs: number
  readonly measureMs: number
  /** Names of cases; empty: all of them. */
  readonly only: readonly string[]
  /** Print the whole result as JSON instead of the tables. */
  readonly json: boolean
  /** Put the verdicts into the README. */
  readonly readme: boolean
  readonly quick: boolean
  /** Print the flags and cases, and measure nothing. */
  readonly help: boolean
  /** Record where the CPU time of each process under test goes. Its figures are then not comparable. */
  readonly profile: boolean
}

export const DRIVERS = ['embedded', 'nats', 'kafka'] as const
export type Driver = (typeof DRIVERS)[number]

const OPTIONS = {
  driver: { type: 'string' },
  quick: { type: 'boolean' },
  only: { type: 'string' },
  json: { type: 'boolean' },
  readme: { type: 'boolean' },
  profile: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** The flags and the cases, for a person. */
export function helpText(cases: Readonly<Record<Driver, readonly { name: string; about: string }[]>>): string {
  const width = Math.max(...DRIVERS.flatMap((driver) => cases[driver].map(({ name }) => name.length)))
  return `npm run bench -- [flags]: measures Sluice and its floors in one run

  --driver d   which channel: embedded (standalone, the default), nats (services apart, over a nats-server that is
               found or fetched as the tests do) or kafka (clients of Kafka, over a server that is found likewise)
  --quick      one short repeat instead of three, without the two long memory cases
  --only a,b   these cases, and what they are compared with
  --json       the whole result on stdout instead of tables
  --readme     put the verdicts into README.md
  --profile    record where the CPU time goes; the figures are then not comparable
  --help, -h   this

cases, in the order they run:
${DRIVERS.map((driver) => `\n--driver ${driver}\n${cases[driver].map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join('\n')}\n`).join('')}`
}

/** What `helpText` lists. Anything else is CONFIG_INVALID. */
export function readFlags(args: readonly string[], cases: Readonly<Record<Driver, readonly string[]>>): Flags {
  const refuse = (problem: string) => new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
  let values: {
    driver?: string
    quick?: boolean
    only?: string
    json?: boolean
    readme?: boolean
    profile?: boolean
    help?: boolean
  }
  try {
    values = parseArgs({ args: [...args], options: OPTIONS, strict: true }).values
  } catch (error) {
    throw refuse((error as Error).message)
  }
  const driver = DRIVERS.find((one) => one === (values.driver ?? 'embedded'))
  if (driver === undefined) throw refuse(`--driver: ${values.driver} is not one of ${DRIVERS.join(', ')}`)
  if (driver === 'kafka' && values.readme === true) throw refuse('--readme: it has no table of kafka')
  const names = cases[driver]
  const only = values.only?.split(',').map((name) => name.trim()) ?? []
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw refuse(`--only: unknown ${unknown.join(', ')}; there are ${names.join(', ')}`)
  const quick = values.quick === true
  return {
    driver,
    repeats: quick ? 1 : 3,
    warmupMs: quick ? 1_000 : 2_000,
    measureMs: quick ? 1_500 : 4_000,
    only,
    json: values.json === true,
    readme: values.readme === true,
    quick,
    help: values.help === true,
    profile: values.profile === true,
  }
}

import { readFile } from 'node:fs/promises'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { withHashes } from './delta.ts'
import { createDocument } from './document.ts'
import { contractEvents } from './events.ts'
import type { ContractSource } from './rows.ts'
import { readContract } from './schema.ts'
import { createWatchers } from './watchers.ts'

/**
 * A contract written by hand or copied from a data directory, read once. `epoch` and `revision` default to 1, hashes
 * are computed. Rejects with CONFIG_INVALID that lists every problem.
 */
export async function fileSource(deps: {
  readonly path: string
  readonly clock: Clock
  readonly telemetry: Telemetry
}): Promise<ContractSource> {
  const read = readContract(await readJson(deps.path))
  if ('problems' in read) throw invalid(deps.path, read.problems)
  const document = createDocument({ ...read.contract, ...withHashes(read.contract) })
  const { watch } = createWatchers(() => document, { clock: deps.clock, events: contractEvents(deps.telemetry) })
  return { watch }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw invalid(path, [(error as Error).message])
  }
}

function invalid(path: string, problems: readonly string[]): EventingError {
  const named = problems.map((problem) => `${path}: ${problem}`)
  return new EventingError({ code: 'CONFIG_INVALID', problems: named }, `contract file invalid:\n${named.join('\n')}`)
}

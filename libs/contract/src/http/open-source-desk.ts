import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import type { SourceRole } from '../interest.ts'
import { createSourceDesk } from '../sources/desk/create-source-desk.ts'
import type { SourceDesk } from '../sources/source-desk.ts'
import type { SourceRow } from '../sources/source-row.ts'
import { type ContractConfig, openContract } from './config.ts'

export interface OpenSourceDeskDeps {
  readonly config: ContractConfig
  readonly role: SourceRole
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** The desk of a service apart, and what to say of it in `/readyz`. Disposing lets go of every row, and says farewell. */
export interface OpenedSourceDesk<R extends SourceRow> extends SourceDesk<R>, AsyncDisposable {
  ready(): string | undefined
  warning(): string | undefined
}

/** Opens what `SLUICE_CONTRACT` names. Rejects with CONFIG_INVALID for a file, which assigns nothing, or DATA_DIR_UNUSABLE. */
export async function openSourceDesk<R extends SourceRow>(deps: OpenSourceDeskDeps): Promise<OpenedSourceDesk<R>> {
  const { role, clock, telemetry } = deps
  if (!/^https?:/i.test(deps.config.contract)) throw fileAssignsNothing()
  const contract = await openContract({ ...deps, roles: [role] })
  const { line } = contract
  if (line === undefined) throw fileAssignsNothing()
  const desk = createSourceDesk<R>({ role, contract, line, clock, telemetry })
  return {
    ...desk,
    ready: contract.ready,
    warning: contract.warning,
    async [Symbol.asyncDispose]() {
      await desk[Symbol.asyncDispose]()
      await contract[Symbol.asyncDispose]()
    },
  }
}

function fileAssignsNothing(): EventingError {
  const problem = 'SLUICE_CONTRACT: is a file, but a controller has to say which replica runs a source: set its URL'
  return new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
}

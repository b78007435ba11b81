import type { SourceReport } from '@sluice/contract'
import type { ApiObject } from '@sluice/resources/api'
import { type Condition, isFalse, isUnknown } from '../conditions.ts'
import { type Context, inForce } from '../context.ts'
import { uidOf } from '../objects.ts'
import type { SourceKind } from './source-kind.ts'

/** Whether a replica runs the source as it is, and what takes its events is in force. `report`: of the row as it is. */
export function deployed(
  context: Context,
  { service }: SourceKind,
  source: ApiObject,
  problem: string | undefined,
  report: SourceReport | undefined,
): { readonly condition: Condition; readonly againInMs?: number | undefined } {
  const type = 'Deployed'
  if (problem !== undefined) return { condition: isFalse(type, 'SpecInvalid', problem) }
  if (context.ledger.rows(uidOf(source)).source === undefined)
    return { condition: isUnknown(type, 'NotConfigured', 'waits for its sink') }
  const force = inForce(context, source, { [type]: '' })
  const [condition] = force.conditions
  if (condition !== undefined && condition.status !== 'True') return { condition, againInMs: force.againInMs }
  if (context.standings === undefined || context.standings.standing(uidOf(source))?.isMissing)
    return { condition: isFalse(type, 'ServiceMissing', `no ${service} runs: start one`) }
  const said = report?.conditions[type]
  return { condition: said ? { type, ...said } : isUnknown(type, 'NotAcknowledged', `waits for ${service} to have it`) }
}

import { type Broker, broker } from './kinds/broker.ts'
import type { Kind } from './kinds/kind.ts'
import { type Service, service } from './kinds/service.ts'
import { type Trigger, trigger } from './kinds/trigger.ts'

export type Resource = Broker | Trigger | Service

/** Every kind a manifest may be of. */
export const KINDS: readonly Kind<Resource>[] = [broker, trigger, service]

/** The kind, or what to say about one that is not read. */
export function kindOf(apiVersion: string, kind: string): Kind<Resource> | { path: string; problem: string } {
  const namesakes = KINDS.filter((candidate) => candidate.kind === kind)
  const found = namesakes.find((candidate) => candidate.apiVersion === apiVersion)
  if (found !== undefined) return found
  const all = KINDS.map((candidate) => `${candidate.kind} (${candidate.apiVersion})`).join(', ')
  return namesakes[0] === undefined
    ? { path: 'kind', problem: `${kind} of ${apiVersion} is not supported yet: remove it, this version reads ${all}` }
    : { path: 'apiVersion', problem: `${kind} of ${apiVersion} is not supported yet: use ${namesakes[0].apiVersion}` }
}

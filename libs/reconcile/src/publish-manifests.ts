import { randomUUID } from 'node:crypto'
import type { Clock } from '@sluice/clock'
import type { ContractStore, Copy, LogRow } from '@sluice/contract'
import type { Resource } from '@sluice/resources'
import type { ObjectStatus } from './conditions.ts'
import { resolve } from './resolve.ts'
import { assignUids, type StoredObject } from './uids.ts'

export interface PublishManifestsDeps {
  readonly store: Pick<ContractStore, 'contract' | 'publish'>
  /** Built-in Services by `namespace/name`. */
  readonly services: Readonly<Record<string, string>>
  /** This installation's ingress as it reaches itself, asked at each reconciliation. */
  readonly ingressBase: () => string
  /** As others reach it, where that differs: such an address is internal too. */
  readonly ingressUrl?: string | undefined
  /** Default for Triggers whose Broker says nothing either. */
  readonly backlogMaxBytes: number
  readonly retention: LogRow['retention']
  /** For how long parked events of a deleted Trigger can be found by its name. */
  readonly parkedRetentionMs: number
  readonly clock: Pick<Clock, 'now'>
  /** Absent: uids come from the contract's rows alone. */
  readonly uids?: Pick<Copy<readonly StoredObject[]>, 'save'>
  readonly stored?: readonly StoredObject[]
  readonly newUid?: () => string
}

/** What resources come to, before it is in force. */
export interface Resolution {
  readonly statuses: readonly ObjectStatus[]
  /** Puts it in force and resolves to its revision. To be called before the next `resolve`, or never. */
  publish(): Promise<number>
}

/** From resources to the contract, one state after another. */
export function publishManifests(deps: PublishManifestsDeps): { resolve(resources: readonly Resource[]): Resolution } {
  let stored = deps.stored ?? []
  return {
    resolve(resources) {
      const { store, clock } = deps
      const former = store.contract()
      const uids = assignUids(resources, stored, former, deps.newUid ?? randomUUID)
      const { rows, statuses } = resolve({
        ...deps,
        resources,
        uids,
        former,
        ingressBase: deps.ingressBase(),
        now: clock.now(),
      })
      return {
        statuses,
        async publish() {
          if (JSON.stringify(uids.objects) !== JSON.stringify(stored)) await deps.uids?.save(uids.objects)
          stored = uids.objects
          return store.publish(rows)
        },
      }
    },
  }
}

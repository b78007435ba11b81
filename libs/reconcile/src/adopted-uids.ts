import type { Contract } from '@sluice/contract'
import type { Registry, RegistryOptions } from '@sluice/resource-api'

/** Which objects the rows of a contract are about: an installation from before there was an API, or one that lost it. */
export interface AdoptedUids {
  readonly newUid: NonNullable<RegistryOptions['newUid']>
  /** Those that are there already have theirs. */
  leave(registry: Registry): void
  /** From now on every object that is new is new. */
  end(): void
}

/**
 * Gives a Broker or Trigger that is made from manifests the uid its rows have, so that what waits for it is still its
 * own. Asked again it answers the same: manifests are rehearsed before they are applied.
 */
export function adoptedUids({ logs, routes }: Pick<Contract, 'logs' | 'routes'>): AdoptedUids {
  const uids = new Map<string, string>()
  for (const { kind, namespace, name, uid } of logs) if (kind === 'broker') uids.set(`Broker ${namespace}/${name}`, uid)
  const brokers = new Set(logs.filter(({ kind }) => kind === 'broker').map(({ uid }) => uid))
  for (const { namespace, name, uid, log } of routes)
    if (brokers.has(log)) uids.set(`Trigger ${namespace}/${name}`, uid)
  return {
    newUid({ kind }, { namespace, name }) {
      if (kind.group !== 'eventing.knative.dev') return undefined
      return uids.get(`${kind.kind} ${namespace}/${name}`)
    },
    leave(registry) {
      for (const served of registry.table.served.filter(({ version }) => version.storage))
        for (const { metadata } of registry.list(served, {}).items)
          uids.delete(`${served.kind.kind} ${metadata.namespace}/${metadata.name}`)
    },
    end: () => uids.clear(),
  }
}

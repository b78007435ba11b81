import type { Contract, Copy } from '@sluice/contract'
import { fileCopy } from '@sluice/contract'
import type { Resource } from '@sluice/resources'

/** The identity of a Broker or Trigger for as long as it is in the folder; a Trigger's also names its Broker. */
export interface StoredObject {
  readonly kind: 'Broker' | 'Trigger'
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly broker?: string
}

/** Where uids are kept: what an API server would remember. */
export function uidCopy(path: string): Copy<readonly StoredObject[]> {
  return fileCopy(path, (value) =>
    Array.isArray(value) && value.every(isStored) ? { value } : { problems: ['is not a list of objects'] },
  )
}

export interface Uids {
  readonly objects: readonly StoredObject[]
  of(resource: { kind: string; namespace: string; name: string }): string
}

/**
 * A uid for every Broker and Trigger: the one it had while it stayed in the folder, else a new one. A Trigger that
 * changed its Broker counts as another object. `contract` stands in where the stored objects were lost.
 */
export function assignUids(
  resources: readonly Resource[],
  stored: readonly StoredObject[],
  contract: Contract,
  newUid: () => string,
): Uids {
  const known = new Map([...ofContract(contract), ...stored].map((object) => [keyOf(object), object.uid]))
  const objects = resources.flatMap((resource): StoredObject[] => {
    if (resource.kind === 'Service') return []
    const { kind, namespace, name } = resource
    const identity = { kind, namespace, name, ...(kind === 'Trigger' && { broker: resource.broker }) }
    return [{ ...identity, uid: known.get(keyOf(identity)) ?? newUid() }]
  })
  const byName = new Map(objects.map((object) => [nameOf(object), object.uid]))
  return { objects, of: (resource) => byName.get(nameOf(resource)) ?? '' }
}

function ofContract(contract: Contract): StoredObject[] {
  const brokers = new Map(contract.logs.map((row) => [row.uid, row.name]))
  return [
    ...contract.logs.map(({ namespace, name, uid }) => ({ kind: 'Broker' as const, namespace, name, uid })),
    ...contract.routes.map(({ namespace, name, uid, log }) => ({
      kind: 'Trigger' as const,
      ...{ namespace, name, uid, broker: brokers.get(log) ?? '' },
    })),
  ]
}

function keyOf(object: Omit<StoredObject, 'uid'>): string {
  return `${nameOf(object)} ${object.broker ?? ''}`
}

function nameOf({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`
}

function isStored(value: unknown): value is StoredObject {
  const { kind, namespace, name, uid, broker } = (value ?? {}) as Record<string, unknown>
  const texts = [namespace, name, uid, ...(kind === 'Trigger' ? [broker] : [])]
  return (kind === 'Broker' || kind === 'Trigger') && texts.every((text) => typeof text === 'string' && text !== '')
}

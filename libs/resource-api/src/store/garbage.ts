import { type ApiObject, isSame } from '@sluice/resources/api'
import { EVENT_TTL_MS, NAMESPACE_GRACE_MS } from './config.ts'
import { isNamespace } from './create.ts'
import { FOREGROUND, ORPHAN } from './delete.ts'
import { type Entry, keyOf } from './entry.ts'
import type { Decided, Objects } from './objects.ts'
import { type OwnerReference, ownersOf, type Place } from './owners.ts'
import { decideRemoval } from './removal.ts'
import type { Resource } from './resource.ts'
import { finalizersOf, isHeld } from './update.ts'

interface JudgeDeps {
  readonly objects: Objects
  readonly now: number
  /** At this one, too. */
  look(place: Place): void
  lookLater(place: Place, delayMs: number): void
}

/** What is to be done about an object, by who owns it and where it is. Source: Kubernetes, pkg/controller/garbagecollector, attemptToDeleteItem. */
export function judge(deps: JudgeDeps, { resource, key }: Place): readonly Decided[] {
  const entry = resource.latest(key)
  if (entry === undefined) return []
  const { object } = entry
  if (object.metadata.deletionTimestamp !== undefined) return finish(deps, resource, entry)
  const isOldEvent = object.kind === 'Event' && resource.kind.group === '' && entry.at <= deps.now - EVENT_TTL_MS
  if (isOldEvent || isRoomGoing(deps, object)) return remove(deps, resource, entry)
  return byOwners(deps, resource, entry)
}

function remove({ objects, now }: JudgeDeps, resource: Resource, entry: Entry, foreground = false): readonly Decided[] {
  const options = { now, ...(foreground && { propagationPolicy: 'Foreground' as const }) }
  return decideRemoval(objects, resource, entry, options).changes
}

function isRoomGoing({ objects, now }: JudgeDeps, { metadata: { namespace } }: ApiObject): boolean {
  if (namespace === undefined) return false
  const room = objects.named('v1', 'Namespace')?.latest(keyOf({ name: namespace }))?.object
  return room?.metadata.deletionTimestamp !== undefined && graceOf(room, now) === 0
}

/** Milliseconds that the contents of a namespace are still left alone. */
function graceOf({ metadata }: ApiObject, now: number): number {
  return Math.max(0, Date.parse(String(metadata.deletionTimestamp)) + NAMESPACE_GRACE_MS - now)
}

function byOwners(deps: JudgeDeps, resource: Resource, entry: Entry): readonly Decided[] {
  const { object } = entry
  const owners = ownersOf(object).map((owner) => ({ owner, state: stateOf(deps.objects, object, owner) }))
  const gone = owners.filter(({ state }) => state !== 'there')
  if (gone.length === 0) return []
  if (gone.length === owners.length) {
    const dependents = [...deps.objects.owners.dependentsOf(String(object.metadata.uid))]
    const isAwaited = gone.some(({ state }) => state === 'waits') && dependents.length > 0
    if (!isAwaited || !dependents.some(isWaiting)) return remove(deps, resource, entry, isAwaited)
    // a circle of owners, each waiting for the next: this one stops holding its owners
    const open = deps.objects.decide(resource, entry.key, withoutBlocking(object))
    return [open, ...remove(deps, resource, resource.latest(entry.key) ?? entry, true)]
  }
  const uids = new Set(gone.map(({ owner }) => owner.uid))
  return [deps.objects.decide(resource, entry.key, withoutOwners(object, uids))]
}

/** Of a kind that is not served nobody knows whether it is there, so it counts as there. */
function stateOf(objects: Objects, { metadata }: ApiObject, owner: OwnerReference): 'there' | 'waits' | 'gone' {
  const resource = objects.named(owner.apiVersion, owner.kind)
  if (resource === undefined) return 'there'
  const { namespace } = metadata
  const isInRoom = resource.kind.scope === 'Namespaced'
  if (isInRoom && namespace === undefined) return 'there'
  const found = resource.latest(keyOf({ name: owner.name, ...(isInRoom && namespace !== undefined && { namespace }) }))
  if (found?.object.metadata.uid !== owner.uid) return 'gone'
  return isWaiting({ resource, key: found.key }) ? 'waits' : 'there'
}

/** Whether it goes once what it owns is gone. */
function isWaiting({ resource, key }: Place): boolean {
  const object = resource.latest(key)?.object
  return object?.metadata.deletionTimestamp !== undefined && finalizersOf(object).includes(FOREGROUND)
}

function withoutBlocking({ metadata, ...rest }: ApiObject): ApiObject {
  const owners = ownersOf({ metadata, ...rest } as ApiObject).map((owner) => ({ ...owner, blockOwnerDeletion: false }))
  return { ...rest, metadata: { ...metadata, ownerReferences: owners } } as ApiObject
}

function withoutOwners({ metadata, ...rest }: ApiObject, uids: ReadonlySet<string>): ApiObject {
  const left = ownersOf({ metadata, ...rest } as ApiObject).filter(({ uid }) => !uids.has(uid))
  const { ownerReferences: _, ...others } = metadata
  return { ...rest, metadata: { ...others, ...(left.length > 0 && { ownerReferences: left }) } } as ApiObject
}

/** An object that is going goes on: what the collector holds it by is let go when its time has come. */
function finish(deps: JudgeDeps, resource: Resource, entry: Entry): readonly Decided[] {
  const { objects, look } = deps
  const { object, key } = entry
  const finalizers = finalizersOf(object)
  const uid = String(object.metadata.uid)
  const dependents = [...objects.owners.dependentsOf(uid)]
  const decided: Decided[] = []
  let left = object
  if (finalizers.includes(ORPHAN)) {
    for (const { resource: of, key: at } of dependents) {
      const dependent = of.latest(at)?.object
      if (ownersOf(dependent).some((owner) => owner.uid === uid))
        decided.push(objects.decide(of, at, withoutOwners(dependent as ApiObject, new Set([uid]))))
    }
    left = withoutFinalizer(left, ORPHAN)
  }
  if (finalizers.includes(FOREGROUND)) {
    for (const place of dependents.filter(stays)) look(place)
    const others = dependents.filter((place) => place.resource !== resource || place.key !== key)
    if (!others.some((place) => isBlocking(place, uid))) left = withoutFinalizer(left, FOREGROUND)
  }
  if (isNamespace(resource)) {
    const contents = [...objects.owners.inNamespace(String(object.metadata.name))]
    const graceMs = contents.length === 0 ? 0 : graceOf(object, deps.now)
    if (graceMs > 0) deps.lookLater({ resource, key }, graceMs)
    else for (const place of contents.filter(stays)) look(place)
    if (contents.length === 0 && !isSame(left.spec, {})) left = { ...left, spec: {} }
  }
  if (left === object) return decided
  return [...decided, objects.decide(resource, key, isHeld(left) ? left : undefined)]
}

/** What is going already goes on by itself; to look at it again and again would never end in a circle. */
function stays({ resource, key }: Place): boolean {
  return resource.latest(key)?.object.metadata.deletionTimestamp === undefined
}

function isBlocking({ resource, key }: Place, uid: string): boolean {
  return ownersOf(resource.latest(key)?.object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true)
}

function withoutFinalizer(object: ApiObject, finalizer: string): ApiObject {
  const left = finalizersOf(object).filter((each) => each !== finalizer)
  const { finalizers: _, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, ...(left.length > 0 && { finalizers: left }) } }
}

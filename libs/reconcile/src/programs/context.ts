import type { ApiObject } from '@sluice/resources/api'
import type { Informer, ObjectKey } from '../api/resource-client.ts'
import type { Program, Watched } from '../runtime/program.ts'
import { type Condition, isFalse, isReady, isTrue, isUnknown } from './conditions.ts'
import type { ProgramsDeps } from './deps.ts'
import type { Destination, Resolution, Resolver } from './destination.ts'
import { BROKER_CLASSES, type Kinds } from './kinds.ts'
import { annotationsOf, type Fields, keyOf, refOf, uidOf } from './objects.ts'
import type { References } from './references.ts'
import type { Settings } from './settings.ts'

const CLASS = 'eventing.knative.dev/broker.class'
const LOOK_AGAIN_MS = 2000

/** What all programs share. */
export interface Context extends ProgramsDeps {
  readonly kinds: Kinds
  informer(kind: string): Informer
  readonly resolver: Resolver
  readonly settings: Settings
  /** Resolves once every informer has its first list: nothing is judged by half a picture. */
  readonly ready: Promise<void>
}

export function classOf(broker: ApiObject, settings: Settings): string {
  return annotationsOf(broker)[CLASS] ?? settings.brokerClass(keyOf(broker).namespace)
}

export function isOurs(broker: ApiObject, settings: Settings): boolean {
  return Object.hasOwn(BROKER_CLASSES, classOf(broker, settings))
}

/** A watch per kind, by who said to refer to the object that changed. */
export function watchesOf(context: Context, references: References, kinds: readonly string[]): Watched[] {
  return kinds.map((kind) => ({
    kind: context.kinds(kind),
    concerns: ({ key }) => references.of(refOf(kind, key)),
  }))
}

/** Which objects of a kind have rows, by name and by uid. */
export interface Owners {
  note(key: ObjectKey, object: ApiObject | undefined): void
  /** Where the object of that uid is. */
  keysOf(uid: string): readonly ObjectKey[]
  readonly listen: NonNullable<Program['listen']>
  /** And to what the ledger tells of others: those who refer to `<prefix> <uid>`. */
  listenTo(references: References, prefix: string): NonNullable<Program['listen']>
}

export function createOwners({ ledger, addresses }: Pick<Context, 'ledger' | 'addresses'>): Owners {
  const uids = new Map<string, string>()
  const keys = new Map<string, ObjectKey>()
  const listen: Owners['listen'] = (enqueue) => {
    const listening = [
      ledger.changed((owner) => {
        const key = keys.get(owner)
        if (key !== undefined) enqueue(key)
      }),
      addresses.changed(() => {
        for (const key of keys.values()) enqueue(key)
      }),
    ]
    return { [Symbol.dispose]: () => listening.forEach((each) => void each[Symbol.dispose]()) }
  }
  return {
    note(key, object) {
      const id = refOf('', key)
      const [before, now] = [uids.get(id), object && uidOf(object)]
      if (before !== undefined && before !== now) {
        keys.delete(before)
        uids.delete(id)
      }
      if (now === undefined) return
      uids.set(id, now)
      keys.set(now, key)
    },
    keysOf(uid) {
      const key = keys.get(uid)
      return key === undefined ? [] : [key]
    },
    listen,
    listenTo: (references, prefix) => (enqueue) => {
      const listening = [
        listen(enqueue),
        ledger.changed((owner) => {
          for (const key of references.of(`${prefix} ${owner}`)) enqueue(key)
        }),
      ]
      return { [Symbol.dispose]: () => listening.forEach((each) => void each[Symbol.dispose]()) }
    },
  }
}

/** The dead letter sink as a condition and what a status says of it. */
export function deadLetterSink(
  context: Context,
  destination: Destination | undefined,
  namespace: string,
): { condition: Condition; resolved: Exclude<Resolution, { reason: string }> | undefined } {
  const type = 'DeadLetterSinkResolved'
  if (destination === undefined) return { condition: isTrue(type, 'DeadLetterSinkNotConfigured'), resolved: undefined }
  const resolution = context.resolver.resolve(destination, namespace)
  if ('reason' in resolution) {
    const message = `spec.delivery.deadLetterSink: ${resolution.message}`
    return { condition: isFalse(type, resolution.reason, message), resolved: undefined }
  }
  return { condition: isTrue(type), resolved: resolution }
}

/** `subscriberUri`, `subscriberCACerts`, `subscriberAudience`; nothing of what could not be resolved. */
export function resolvedFields(
  prefix: 'subscriber' | 'reply' | 'deadLetterSink' | 'sink',
  resolution: Resolution | undefined,
) {
  if (resolution === undefined || 'reason' in resolution) return {}
  const { target, audience } = resolution
  return {
    [`${prefix}Uri`]: target.url,
    ...(target.caCerts !== undefined && { [`${prefix}CACerts`]: target.caCerts }),
    ...(audience !== undefined && { [`${prefix}Audience`]: audience }),
  }
}

/** Whether the data plane has the rows of the object, as conditions that each wait for their services. */
export function inForce(
  { ledger }: Context,
  object: ApiObject,
  types: Readonly<Record<string, string>>,
): { readonly conditions: readonly Condition[]; readonly againInMs?: number } {
  const standing = ledger.standing(uidOf(object), isReady(object))
  if (standing.isAcknowledged) return { conditions: Object.keys(types).map((type) => isTrue(type)) }
  const { lacking } = standing
  const waits = (type: string, names: readonly string[]) =>
    isUnknown(type, 'NotAcknowledged', `waits for ${names.join(', ') || 'the data plane'} to have it`)
  const conditions = Object.entries(types).map(([type, service], i) => {
    const names = lacking.filter((name) => name.startsWith(service))
    if (names.length > 0) return waits(type, names)
    const others = lacking.filter((name) => !Object.values(types).some((each) => name.startsWith(each)))
    return i === 0 && (lacking.length === 0 || others.length > 0) ? waits(type, others) : isTrue(type)
  })
  return { conditions, againInMs: LOOK_AGAIN_MS }
}

/** The dead letter sink as written, which the webhook of Knative would have filled with the namespace. */
export function sinkOf(delivery: Fields | undefined): Destination | undefined {
  return delivery?.deadLetterSink as Destination | undefined
}

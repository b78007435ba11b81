import type { Target } from '@sluice/contract'
import type { ApiObject, ApiTable } from '@sluice/resources/api'
import type { Informer } from '../api/resource-client.ts'
import type { IngressAddresses, ProgramsDeps } from './deps.ts'
import { isInternal } from './internal.ts'
import { LOG_CHANNELS, pathOf } from './kinds.ts'
import { annotationsOf, type Fields, keyOf, refOf, specOf, statusFieldsOf, uidOf } from './objects.ts'

/** Knative's Destination, as the API has it. */
export interface Destination {
  readonly ref?: Reference
  readonly uri?: string
  readonly CACerts?: string
  readonly audience?: string
}

export interface Reference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace?: string
  readonly address?: string
}

export interface Address {
  readonly target: Target
  readonly audience?: string
  /** uid of the Broker or channel of ours that it is, path and all. */
  readonly log?: string
}
export type Resolution = Address | { readonly reason: string; readonly message: string }

export interface Resolver {
  /** `namespace` is that of the object with the destination. */
  resolve(destination: Destination, namespace: string): Resolution
  object(ref: Reference, namespace: string): ApiObject | undefined
}

interface ResolverDeps extends Pick<ProgramsDeps, 'services' | 'clusterDomain'> {
  readonly table: ApiTable
  readonly addresses: IngressAddresses
  readonly informer: (kind: string) => Informer | undefined
  /** Whether the Broker is of a class of ours. */
  readonly isOurs: (broker: ApiObject) => boolean
  /** Kind of the channel that a Channel stands for, where that is known. */
  readonly backingKind: (channel: ApiObject) => string | undefined
}

/** What a destination depends on. */
export function refsOf(destination: Destination | undefined, namespace: string): string[] {
  const { ref } = destination ?? {}
  return ref === undefined ? [] : [refOf(ref.kind, { namespace: ref.namespace ?? namespace, name: ref.name })]
}

/** Source: knative.dev/pkg resolver/addressable_resolver.go. Brokers and channels have their addresses as soon as they exist. */
export function createResolver(deps: ResolverDeps): Resolver {
  const { addresses, table, informer } = deps

  function object(ref: Reference, namespace: string): ApiObject | undefined {
    return informer(ref.kind)?.get({ namespace: ref.namespace ?? namespace, name: ref.name })
  }

  function base(ref: Reference, namespace: string): Resolved {
    const place = { namespace: ref.namespace ?? namespace, name: ref.name }
    const called = `${ref.kind} ${place.namespace}/${place.name}`
    const served = table.ofKind(ref.apiVersion, ref.kind)
    if (served === undefined || informer(ref.kind) === undefined)
      return {
        reason: 'KindUnknown',
        message: `${ref.kind} of ${ref.apiVersion} is not a kind that has an address here`,
      }
    const found = object(ref, namespace)
    if (ref.kind === 'Service') return service(found, place, called)
    if (found === undefined) return { reason: 'NotFound', message: `${called} does not exist` }
    return own(found, ref) ?? addressable(found, ref, called)
  }

  function service(found: ApiObject | undefined, place: { namespace: string; name: string }, called: string): Resolved {
    const builtIn = deps.services[`${place.namespace}/${place.name}`]
    if (found === undefined)
      return builtIn === undefined ? { reason: 'NotFound', message: `${called} does not exist` } : { url: builtIn }
    const { externalName } = specOf(found)
    const url = annotationsOf(found)['sluice.dev/url']
    if (url !== undefined) return { url }
    if (typeof externalName === 'string' && externalName !== '') return { url: `http://${externalName}/` }
    if (deps.clusterDomain !== undefined)
      return { url: `http://${place.name}.${place.namespace}.svc.${deps.clusterDomain}/` }
    return {
      reason: 'NoAddress',
      message: `${called} says no address: give it the annotation sluice.dev/url, or spec.externalName`,
    }
  }

  /** A Broker of ours or a channel: by its path, whether or not it is ready. */
  function own(found: ApiObject, { address }: Reference): Resolved | undefined {
    const backing = found.kind === 'Channel' ? deps.backingKind(found) : found.kind
    const isLog = backing !== undefined && Object.hasOwn(LOG_CHANNELS, backing)
    const isOurBroker = found.kind === 'Broker' && deps.isOurs(found)
    if (!isLog && !isOurBroker) return undefined
    const log = found.kind === 'Channel' ? informer(backing ?? '')?.get(keyOf(found)) : found
    if (log === undefined) return undefined
    const url = new URL(pathOf(log.kind, keyOf(log)), addresses.internal())
    const scheme = url.protocol.slice(0, -1)
    if (address !== undefined && address !== scheme) return noAddressNamed(address, refOf(found.kind, keyOf(found)))
    return { url: url.href, log: uidOf(log) }
  }

  return {
    object,
    resolve({ ref, uri, CACerts, audience }, namespace) {
      const found: Resolved = ref === undefined ? { url: uri ?? '' } : base(ref, namespace)
      if ('reason' in found) return found
      const url = URL.parse(ref === undefined ? found.url : (uri ?? ''), found.url)
      if (url === null || !/^https?:$/.test(url.protocol))
        return { reason: 'InvalidURL', message: `${uri ?? found.url} is not a URL of http or https` }
      const caCerts = CACerts ?? found.caCerts
      const audienceOf = audience ?? found.audience
      return {
        target: {
          url: url.href,
          internal: isInternal(url, [addresses.internal(), addresses.external()]),
          ...(caCerts !== undefined && { caCerts }),
        },
        ...(audienceOf !== undefined && { audience: audienceOf }),
        ...(found.log !== undefined && uri === undefined && { log: found.log }),
      }
    },
  }
}

type Resolved =
  | { readonly url: string; readonly log?: string; readonly caCerts?: string; readonly audience?: string }
  | { readonly reason: string; readonly message: string }

/** Any other kind: what its status says. */
function addressable(found: ApiObject, { address }: Reference, called: string): Resolved {
  const status = statusFieldsOf(found) as { address?: Fields; addresses?: readonly Fields[] }
  const all = status.addresses ?? (status.address === undefined ? [] : [status.address])
  const chosen = address === undefined ? all[0] : all.find(({ name }) => name === address)
  if (chosen === undefined && address !== undefined && all.length > 0) return noAddressNamed(address, called)
  if (typeof chosen?.url !== 'string') return { reason: 'NoAddress', message: `${called} has no address yet` }
  return {
    url: chosen.url,
    ...(typeof chosen.CACerts === 'string' && { caCerts: chosen.CACerts }),
    ...(typeof chosen.audience === 'string' && { audience: chosen.audience }),
  }
}

function noAddressNamed(address: string, called: string): Resolved {
  return { reason: 'NoAddress', message: `${called} has no address named "${address}"` }
}

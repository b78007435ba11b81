import type { LogRow } from '@sluice/contract'
import type { GivenRows } from '../ledger/index.ts'
import { pathOf } from './kinds.ts'

type Given = Pick<LogRow, 'uid' | 'kind' | 'lanes' | 'orderKey' | 'retention' | 'driver' | 'backend'>

/** The log of a Broker or channel, named by its uid, and where events for it come in. */
export function logRows(
  kind: string,
  place: { readonly namespace: string; readonly name: string },
  given: Given,
  hasHost = false,
): GivenRows {
  const { namespace, name } = place
  const { uid } = given
  const where = `${namespace}/${name}/${uid}`
  return {
    log: { namespace, name, channel: `log/${where}`, queues: `queues/${where}`, ...given },
    ingress: {
      ...{ uid, namespace, name, path: pathOf(kind, place), log: uid },
      ...(hasHost && { host: hostOf(place) }),
    },
  }
}

export function hostOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${name}-kn-channel.${namespace}`.toLowerCase()
}

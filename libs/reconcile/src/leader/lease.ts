/** A Lease of coordination.k8s.io/v1 as an election reads it. */
export interface Lease {
  /** Its resourceVersion. */
  readonly version: string
  /** Empty: given up. */
  readonly holder: string
  readonly durationMs: number
  /** How often it went to another. */
  readonly transitions: number
  readonly raw: Readonly<Record<string, unknown>>
}

export function leaseOf(raw: Readonly<Record<string, unknown>>): Lease {
  const { resourceVersion } = Object(raw.metadata) as { readonly resourceVersion?: string }
  const spec = Object(raw.spec) as Readonly<Record<string, unknown>>
  return {
    ...{ version: String(resourceVersion), raw },
    holder: String(spec.holderIdentity ?? ''),
    durationMs: Number(spec.leaseDurationSeconds ?? 0) * 1000,
    transitions: Number(spec.leaseTransitions ?? 0),
  }
}

export interface Holder {
  readonly namespace: string
  readonly name: string
  /** Empty: nobody. */
  readonly identity: string
  readonly durationMs: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The Lease as `holder` would hold it; written only if it is still the one that was read. */
export function takenOver(lease: Lease | undefined, holder: Holder): Readonly<Record<string, unknown>> {
  const { namespace, name, identity, durationMs, now } = holder
  // a MicroTime has six digits
  const time = `${new Date(now).toISOString().slice(0, -1)}000Z`
  const spec = Object(lease?.raw.spec) as Readonly<Record<string, unknown>>
  const isOther = identity !== '' && lease?.holder !== identity
  return {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
    metadata: lease?.raw.metadata ?? { namespace, name },
    spec: {
      ...spec,
      ...{ holderIdentity: identity, leaseDurationSeconds: durationMs / 1000, renewTime: time },
      acquireTime: isOther ? time : spec.acquireTime,
      leaseTransitions: (lease?.transitions ?? 0) + (isOther ? 1 : 0),
    },
  }
}

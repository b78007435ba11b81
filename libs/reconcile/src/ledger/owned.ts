import {
  type AnySourceRow,
  type Contract,
  type DeliveryRow,
  hashOf,
  type IngressRow,
  type LogRow,
  type RouteRow,
  type Row,
  type RowKind,
  type Target,
} from '@sluice/contract'

/** The rows of one object; each has the object's uid. */
export interface OwnedRows {
  readonly log?: LogRow
  readonly ingress?: IngressRow
  readonly route?: RouteRow
  readonly delivery?: DeliveryRow
  readonly source?: AnySourceRow
}

/** Of each of them, where there are several. */
type Unhashed<R> = R extends unknown ? Omit<R, 'hash'> : never

/** As programs say them. Hashes, `since` and former triggers are the ledger's. */
export interface GivenRows {
  readonly log?: Unhashed<Omit<LogRow, 'formerTriggers'>>
  readonly ingress?: Unhashed<IngressRow>
  /** `fromStart`: takes what the log holds already. */
  readonly route?: Unhashed<Omit<RouteRow, 'since'>> & { readonly fromStart?: boolean }
  readonly delivery?: Unhashed<DeliveryRow>
  readonly source?: Unhashed<AnySourceRow>
  /** Where replies go once the log they go into is gone. */
  readonly replyAddress?: Target
}

export const KIND_OF = {
  log: 'logs',
  ingress: 'ingresses',
  route: 'routes',
  delivery: 'deliveries',
  source: 'sources',
} as const satisfies Record<keyof OwnedRows, RowKind>

export const OWNED = Object.keys(KIND_OF) as (keyof OwnedRows)[]

/** The rows of a contract by their objects. */
export function byOwner(contract: Contract): Map<string, OwnedRows> {
  const rows = new Map<string, OwnedRows>()
  for (const field of OWNED)
    for (const row of contract[KIND_OF[field]]) rows.set(row.uid, { ...rows.get(row.uid), [field]: row })
  return rows
}

export function hashed<R extends Row>(row: Omit<R, 'hash'>): R {
  return { ...row, hash: hashOf(row) } as R
}

export function isSameRows(a: OwnedRows, b: OwnedRows): boolean {
  return OWNED.every((field) => a[field]?.hash === b[field]?.hash)
}

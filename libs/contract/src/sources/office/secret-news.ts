import { roleOf, type SourceRole } from '../../interest.ts'
import type { SourceRow } from '../source-row.ts'
import type { SecretReader } from './secret-reader.ts'

/** Which Secrets of which rows are others than a replica was told. */
export interface SecretNews extends Disposable {
  put(row: SourceRow): void
  remove(uid: string): void
  /** From now on, and first of everything. */
  join(instance: string, role: SourceRole): void
  leave(instance: string): void
  take(instance: string): readonly (readonly [uid: string, version: string])[]
  has(instance: string): boolean
}

interface Reader {
  readonly role: SourceRole
  outbox: Set<string>
}

export function createSecretNews(secrets: SecretReader, notify: (role: SourceRole) => void): SecretNews {
  const rows = new Map<string, { readonly row: SourceRow; version: string | undefined }>()
  const readers = new Map<string, Reader>()

  /** Undefined while one of them is not there, or not known yet: who has an older one goes on with it. */
  function versionOf({ secrets: named = {} }: SourceRow): string | undefined {
    const versions = Object.entries(named)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, reference]) => [name, secrets.version(reference)] as const)
    const isWhole = versions.every(([, version]) => version !== undefined)
    return isWhole ? versions.map((each) => each.join('=')).join() : undefined
  }

  function tell(uid: string, role: SourceRole): void {
    for (const reader of readers.values()) if (reader.role === role) reader.outbox.add(uid)
  }

  function look(): void {
    const changed = new Set<SourceRole>()
    for (const [uid, known] of rows) {
      const version = versionOf(known.row)
      if (version === undefined || version === known.version) continue
      known.version = version
      changed.add(roleOf(known.row.kind))
      tell(uid, roleOf(known.row.kind))
    }
    changed.forEach(notify)
  }
  const listening = secrets.changed(look)

  return {
    put(row) {
      const role = roleOf(row.kind)
      if (Object.keys(row.secrets ?? {}).length === 0) {
        rows.delete(row.uid)
        return
      }
      rows.set(row.uid, { row, version: versionOf(row) })
      tell(row.uid, role)
      notify(role)
    },
    remove: (uid) => void rows.delete(uid),
    join(instance, role) {
      const own = [...rows.values()].filter(({ row }) => roleOf(row.kind) === role)
      readers.set(instance, { role, outbox: new Set(own.map(({ row }) => row.uid)) })
    },
    leave: (instance) => void readers.delete(instance),
    take(instance) {
      const reader = readers.get(instance)
      if (reader === undefined) return []
      const { outbox } = reader
      reader.outbox = new Set()
      return [...outbox].flatMap((uid) => {
        const known = rows.get(uid)
        return known?.version === undefined ? [] : [[uid, known.version] as const]
      })
    },
    has: (instance) => (readers.get(instance)?.outbox.size ?? 0) > 0,
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  }
}

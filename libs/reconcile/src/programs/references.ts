import type { ObjectKey } from '../api/resource-client.ts'

/** Who refers to what, so that a change finds those it concerns without a look at the others. */
export interface References {
  /** `refs` replace those said before. */
  set(key: ObjectKey, refs: Iterable<string>): void
  of(ref: string): readonly ObjectKey[]
}

export function createReferences(): References {
  const byKey = new Map<string, { readonly key: ObjectKey; readonly refs: ReadonlySet<string> }>()
  const byRef = new Map<string, Set<string>>()
  return {
    set(key, given) {
      const id = `${key.namespace ?? ''}/${key.name}`
      const refs = new Set(given)
      for (const ref of byKey.get(id)?.refs ?? []) {
        if (refs.has(ref)) continue
        const ids = byRef.get(ref)
        ids?.delete(id)
        if (ids?.size === 0) byRef.delete(ref)
      }
      for (const ref of refs) {
        const ids = byRef.get(ref)
        if (ids === undefined) byRef.set(ref, new Set([id]))
        else ids.add(id)
      }
      if (refs.size > 0) byKey.set(id, { key, refs })
      else byKey.delete(id)
    },
    of: (ref) => [...(byRef.get(ref) ?? [])].flatMap((id) => byKey.get(id)?.key ?? []),
  }
}

import type { Clock } from '@sluice/clock'

/** A request that GitHub signed before it heard of the new secret is on its way no longer. */
export const FORMER_SECRET_MS = 3_600_000

/** The signing secrets of sources, by uid; a former one is taken for an hour after it was replaced. */
export interface Secrets {
  set(uid: string, secret: string): void
  of(uid: string): readonly string[]
}

const MAX_SOURCES = 100_000

export function createSecrets(clock: Clock): Secrets {
  const kept = new Map<string, { current: string; former: string | undefined; until: number }>()
  return {
    set(uid, secret) {
      const before = kept.get(uid)
      if (before?.current === secret) return
      kept.delete(uid)
      kept.set(uid, { current: secret, former: before?.current, until: clock.now() + FORMER_SECRET_MS })
      if (kept.size > MAX_SOURCES) kept.delete(kept.keys().next().value as string)
    },
    of(uid) {
      const found = kept.get(uid)
      if (found === undefined) return []
      if (found.former === undefined || clock.now() >= found.until) return [found.current]
      return [found.current, found.former]
    },
  }
}

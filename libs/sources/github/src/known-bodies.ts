import { createHash } from 'node:crypto'
import type { Clock } from '@sluice/clock'

/** How long a request that somebody got hold of is known again. */
export const REPLAY_WINDOW_MS = 24 * 3_600_000
/** Of one source in one process, oldest first out: some megabytes. */
const MAX_BODIES = 20_000

export interface KnownBodies {
  /** The id of the delivery that had this body first within the window: `id` itself if none had. Never rejects. */
  firstIdOf(body: Uint8Array, id: string): Promise<string>
}

export interface KnownBodiesDeps {
  readonly clock: Clock
  /** For all replicas; while it rejects each knows its own. */
  readonly remember: (key: string, value: string, ttlMs: number) => Promise<string>
  readonly onAlone: (error: unknown) => void
}

/** Knows a body that comes again under another delivery's id. GitHub's own redelivery keeps the id. */
export function createKnownBodies({ clock, remember, onAlone }: KnownBodiesDeps): KnownBodies {
  const known = new Map<string, { readonly id: string; readonly until: number }>()

  const own = (key: string, id: string): string => {
    const there = known.get(key)
    if (there !== undefined && there.until > clock.now()) return there.id
    known.delete(key)
    known.set(key, { id, until: clock.now() + REPLAY_WINDOW_MS })
    if (known.size > MAX_BODIES) known.delete(known.keys().next().value as string)
    return id
  }

  return {
    async firstIdOf(body, id) {
      const key = createHash('sha256').update(body).digest('base64url')
      const first = own(key, id)
      if (first !== id) return first
      try {
        const shared = await remember(`body/${key}`, id, REPLAY_WINDOW_MS)
        if (shared !== id) known.set(key, { id: shared, until: clock.now() + REPLAY_WINDOW_MS })
        return shared
      } catch (error) {
        onAlone(error)
        return id
      }
    },
  }
}

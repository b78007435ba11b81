import type { SourceCondition } from '@sluice/contract'
import { EventingError } from '@sluice/errors'

/** Of the source: whether who asks may list and watch all of it. Source: knative/eventing, ApiServerConditionSufficientPermissions. */
export const SUFFICIENT_PERMISSIONS = 'SufficientPermissions'

const MAX_TOLD = 10
const MAX_CHARS = 300

/** A part of a source's work, which works or does not. */
export interface Part {
  readonly name: string
  works(): void
  /** Until it works again. */
  failed(error: unknown): void
}

interface Standing {
  readonly name: string
  isPending: boolean
  error: unknown
}

/** What of a source does not work, and of which parts nobody has heard yet. */
export class Problems {
  readonly #parts = new Set<Standing>()
  readonly #changed: () => void
  readonly #settled = Promise.withResolvers<void>()

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Resolves once every part that began works or has failed. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  begin(name: string): Part {
    const part: Standing = { name, isPending: true, error: undefined }
    this.#parts.add(part)
    const set = (error: unknown) => {
      if (!part.isPending && part.error === error) return
      part.isPending = false
      part.error = error
      this.#changed()
      if (!this.#isPending()) this.#settled.resolve()
    }
    return { name, works: () => set(undefined), failed: (error) => set(error) }
  }

  /** Of rights: undefined while it is not known. */
  permissions(): SourceCondition | undefined {
    const denied = this.#broken().filter(({ error }) => isDenied(error))
    if (denied.length > 0) return { status: 'False', reason: 'Forbidden', message: listed(denied) }
    return this.#isPending() ? undefined : { status: 'True' }
  }

  /** Of everything else. */
  others(): SourceCondition {
    const others = this.#broken().filter(({ error }) => !isDenied(error))
    return others.length === 0 ? { status: 'True' } : { status: 'False', reason: 'NotWatched', message: listed(others) }
  }

  #broken(): readonly Standing[] {
    return [...this.#parts].filter(({ error }) => error !== undefined)
  }

  #isPending(): boolean {
    return [...this.#parts].some(({ isPending }) => isPending)
  }
}

/** The token is refused, or what is asked for with it. */
function isDenied(error: unknown): boolean {
  return (
    error instanceof EventingError &&
    error.detail.code === 'RESOURCE_REFUSED' &&
    [401, 403].includes(error.detail.status)
  )
}

function listed(parts: readonly Standing[]): string {
  const texts = parts.slice(0, MAX_TOLD).map(({ name, error }) => `${name}: ${textOf(error)}`)
  const more = parts.length > MAX_TOLD ? `; and ${parts.length - MAX_TOLD} more` : ''
  return texts.join('; ') + more
}

/** An error that is not ours may hold anything: it is in the log. */
function textOf(error: unknown): string {
  return error instanceof EventingError
    ? error.message.slice(0, MAX_CHARS)
    : 'it failed inside; the log of the service says how'
}

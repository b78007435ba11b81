import { EventingError } from '@sluice/errors'

/** A server for tests, or how to start one. */
export type Found =
  /** Runs already, is shared, and can't be restarted. */
  | { readonly kind: 'running'; readonly url: string; readonly stop?: () => Promise<void> }
  /** A program on this machine: each test file starts its own. */
  | { readonly kind: 'program'; readonly path: string }

export interface Way {
  /** How a person would make it work, e.g. `set NATS_URL to …`. */
  readonly advice: string
  /** Undefined: this way is not open here. `note` says why, or what was found. */
  find(): Promise<{ readonly found: Found | undefined; readonly note: string }>
}

export interface Provision {
  readonly found: Found | undefined
  /** For a person: the way that works, or all that do not. */
  readonly report: string
}

/**
 * Tries the ways in their order and answers the first that works. If none does, the cases that need the server are to
 * be skipped with the report as their reason; on CI, where a skip hides what is broken, it throws INTERNAL.
 */
export async function provision(server: string, ways: readonly Way[], isCi = isOnCi()): Promise<Provision> {
  const tried: string[] = []
  for (const { advice, find } of ways) {
    const { found, note } = await find().catch((error: unknown) => ({ found: undefined, note: String(error) }))
    if (found !== undefined) return { found, report: `${server}: ${note}` }
    tried.push(`${advice} (${note})`)
  }
  const report = `${server}: none of ${ways.length} ways works: ${tried.join('; ')}`
  if (isCi) throw new EventingError({ code: 'INTERNAL' }, report)
  return { found: undefined, report }
}

function isOnCi(): boolean {
  const { CI = '' } = process.env
  return CI !== '' && CI !== 'false' && CI !== '0'
}

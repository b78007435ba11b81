import type { Octokit } from '@octokit/core'
import type { GitHubSourceRow } from '@sluice/contract'

/** What GitHub is to have of a hook. */
export interface WantedHook {
  readonly url: string
  readonly events: readonly string[]
  readonly secret: string
}

/** What GitHub tells of one; the secret it tells nobody. */
export interface Hook {
  readonly id: string
  readonly url: string | undefined
  /** As it should be, but for the secret. */
  isAs(wanted: WantedHook): boolean
}

/** The hooks of one repository, organisation or server. Rejects with Octokit's errors. */
export interface HooksApi {
  list(signal: AbortSignal): Promise<readonly Hook[]>
  /** Answers its id. */
  create(hook: WantedHook, signal: AbortSignal): Promise<string>
  update(id: string, hook: WantedHook, signal: AbortSignal): Promise<void>
  /** False: there was none. */
  remove(id: string, signal: AbortSignal): Promise<boolean>
}

export type OpenHooksApi = (row: GitHubSourceRow, token: string) => Promise<HooksApi>

interface Raw {
  readonly id: number
  readonly active?: boolean
  readonly events?: readonly string[]
  readonly config?: { readonly url?: string; readonly content_type?: string; readonly insecure_ssl?: string | number }
}

const PAGE = 100
/** GitHub allows twenty of an event; a list that goes on for ever ends here. */
const MAX_PAGES = 50
const CALL_MS = 30_000

/** Source: GitHub REST API, repository, organisation and global webhooks. */
export async function openHooksApi(row: GitHubSourceRow, token: string): Promise<HooksApi> {
  // Loaded once a hook is managed: a receiver alone needs none of it
  const { Octokit } = await import('@octokit/core')
  const octokit = new Octokit({ auth: token, baseUrl: row.apiUrl, userAgent: 'sluice' })
  const base = pathOf(row)
  const call = (verb: string, path: string, parameters: object, signal: AbortSignal) =>
    request(octokit)(verb, path, parameters, signal)
  const body = ({ url, events, secret }: WantedHook) => ({
    name: 'web',
    active: true,
    events,
    config: { url, content_type: 'json', insecure_ssl: '0', secret },
  })
  return {
    async list(signal) {
      const hooks: Hook[] = []
      for (let page = 1; page <= MAX_PAGES; page++) {
        const { data } = await call('GET', base, { per_page: PAGE, page }, signal)
        const found = data as readonly Raw[]
        hooks.push(...found.map(hookOf))
        if (found.length < PAGE) break
      }
      return hooks
    },
    async create(hook, signal) {
      const { data } = await call('POST', base, body(hook), signal)
      return String((data as Raw).id)
    },
    async update(id, hook, signal) {
      await call('PATCH', `${base}/${id}`, body(hook), signal)
    },
    async remove(id, signal) {
      try {
        await call('DELETE', `${base}/${id}`, {}, signal)
        return true
      } catch (error) {
        if ((error as { status?: number }).status === 404) return false
        throw error
      }
    },
  }
}

function request(octokit: Octokit) {
  return (verb: string, path: string, parameters: object, signal: AbortSignal) =>
    octokit.request(`${verb} ${path}`, {
      ...parameters,
      request: { signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]) },
    })
}

/** Where the hooks of the source are: what names them in the API, and tells one place from another. */
export function pathOf({ ownerAndRepository, scope }: Pick<GitHubSourceRow, 'ownerAndRepository' | 'scope'>): string {
  if (scope === 'enterprise') return '/admin/hooks'
  const [owner = '', repository = ''] = ownerAndRepository.split('/').map(encodeURIComponent)
  return repository === '' ? `/orgs/${owner}/hooks` : `/repos/${owner}/${repository}/hooks`
}

function hookOf({ id, active, events = [], config = {} }: Raw): Hook {
  return {
    id: String(id),
    url: config.url,
    isAs: (wanted) =>
      active === true &&
      config.url === wanted.url &&
      config.content_type === 'json' &&
      String(config.insecure_ssl ?? '0') === '0' &&
      events.length === wanted.events.length &&
      wanted.events.every((event) => events.includes(event)),
  }
}

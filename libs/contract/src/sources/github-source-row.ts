import { z } from 'zod'
import { text } from '../row-parts.ts'
import { secretReference, sourceFields } from './source-parts.ts'
import type { SecretReference, SourceRow } from './source-row.ts'

/** Receives the webhooks of a repository or an organisation, and keeps the hook at GitHub as it should be. */
export interface GitHubSourceRow extends SourceRow {
  readonly kind: 'GitHubSource'
  /** `owner/repository`, or `owner` alone: an organisation. */
  readonly ownerAndRepository: string
  /** `enterprise`: the hooks of a whole GitHub Enterprise server. */
  readonly scope?: 'enterprise'
  /** `*` is every event. */
  readonly eventTypes: readonly string[]
  /** Base of GitHub's REST API, without a slash at the end. */
  readonly apiUrl: string
  /** `/sources/<namespace>/githubsource/<name>`: where this installation takes the hook's requests. */
  readonly path: string
  /** The URL that GitHub is told, path and all. Absent: nobody said how GitHub reaches this installation, so no hook can be made. */
  readonly publicUrl?: string
  /** `managed`: its service makes, mends and removes the hook. `manual`: somebody else does, and no access token is asked for. */
  readonly webhook: 'managed' | 'manual'
  /** What the events look like: as Knative's source has them, or as the CloudEvents adapter for GitHub says. */
  readonly mapping: 'knative' | 'cloudevents'
  /** Whether a request that has only the signature of old, SHA-1, is taken. */
  readonly allowSha1: boolean
  /** The object is being deleted: the hook is to go, then the fact `webhookRemoved: 'true'` reported; the object waits for it. */
  readonly ending?: true
  readonly secrets: {
    /** Absent with a hook that is managed by somebody else. */
    readonly accessToken?: SecretReference
    readonly secretToken: SecretReference
  }
}

export const githubSourceRow = z.strictObject({
  ...sourceFields(['accessToken', 'secretToken']),
  kind: z.literal('GitHubSource'),
  ownerAndRepository: text,
  scope: z.exactOptional(z.literal('enterprise')),
  eventTypes: z.array(text).min(1),
  apiUrl: z.url({ protocol: /^https?$/ }),
  path: z.string().startsWith('/sources/'),
  publicUrl: z.exactOptional(z.url({ protocol: /^https?$/ })),
  webhook: z.enum(['managed', 'manual']),
  mapping: z.enum(['knative', 'cloudevents']),
  allowSha1: z.boolean(),
  ending: z.exactOptional(z.literal(true)),
  secrets: z.strictObject({ accessToken: z.exactOptional(secretReference), secretToken: secretReference }),
}) satisfies z.ZodType<GitHubSourceRow>

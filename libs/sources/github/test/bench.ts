import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import type { GitHubSourceRow } from '@sluice/contract'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress, VirtualClock } from '@sluice/testkit'
import { startGitHubSources } from '../src/index.ts'

export interface Example {
  readonly event: string
  readonly n: number
  readonly payload: Record<string, unknown>
}

/** Every payload of `@octokit/webhooks-examples`, as GitHub sent it once. */
export const EXAMPLES: readonly Example[] = (
  createRequire(import.meta.url)('@octokit/webhooks-examples') as {
    name: string
    examples: Record<string, unknown>[]
  }[]
).flatMap(({ name, examples }) => examples.map((payload, n) => ({ event: name, n, payload })))

export const SECRET = 'it is a secret'
export const ROW: GitHubSourceRow = {
  uid: 'u1',
  hash: 'h1',
  kind: 'GitHubSource',
  namespace: 'default',
  name: 'hooks',
  target: { url: 'http://ingress/default/default', internal: true },
  ownerAndRepository: 'Codertocat/Hello-World',
  eventTypes: ['*'],
  apiUrl: 'https://api.github.com',
  path: '/sources/default/githubsource/hooks',
  publicUrl: 'https://events.example/sources/default/githubsource/hooks',
  webhook: 'manual',
  mapping: 'knative',
  allowSha1: false,
  secrets: {
    accessToken: { namespace: 'default', name: 'github', key: 'access' },
    secretToken: { namespace: 'default', name: 'github', key: 'secret' },
  },
}

export const sign = (body: string | Buffer, secret = SECRET, hash = 'sha256') =>
  `${hash}=${createHmac(hash, secret).update(body).digest('hex')}`

/** The receiver of one source over real HTTP, with a desk and an ingress that are scripted. */
export async function startBench(row: Partial<GitHubSourceRow> = {}, options: { maxBodyBytes?: number } = {}) {
  const clock = new VirtualClock()
  const desk = createFakeDesk<GitHubSourceRow>({ clock })
  const ingress = createFakeIngress()
  desk.secrets.set('default/github/secret', SECRET)
  desk.secrets.set('default/github/access', 'ghp_token')
  const telemetry = createTestTelemetry()
  const start = () =>
    startGitHubSources({
      ...{ desk: desk.replica(), clock, telemetry, sender: ingress.sender, maxBodyBytes: 1_048_576 },
      ...options,
    })
  const sources = await start()
  await desk.put({ ...ROW, ...row })
  const url = await sources.receiver.listen('127.0.0.1', 0)
  const post = (body: string | Buffer, headers: Record<string, string> = {}, path = ROW.path) =>
    fetch(new URL(path, url), {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': 'd-1',
        'x-hub-signature-256': sign(body),
        ...headers,
      },
    })
  return {
    ...{ clock, desk, ingress, sources, url, post, telemetry, start },
    [Symbol.asyncDispose]: () => sources[Symbol.asyncDispose](),
  }
}

export async function answerOf(
  response: Promise<Response>,
): Promise<{ status: number; code?: string; detail?: string }> {
  const answered = await response
  const text = await answered.text()
  return answered.headers.get('content-type') === 'application/problem+json'
    ? { status: answered.status, ...(({ code, detail }) => ({ code, detail }))(JSON.parse(text)) }
    : { status: answered.status }
}

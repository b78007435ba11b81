import type { GitHubSourceRow, PingSourceRow } from '../src/index.ts'

export const NO_UIDS = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }

export function ping(uid: string, changes: Partial<PingSourceRow> = {}): PingSourceRow {
  return {
    ...{ uid, hash: '', namespace: 'shop', name: uid, kind: 'PingSource' },
    target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
    ...{ schedule: '* * * * *', timezone: 'UTC', missedTicks: 'skip' },
    ...changes,
  }
}

export function github(uid: string, secretToken: GitHubSourceRow['secrets']['secretToken']): GitHubSourceRow {
  return {
    ...{ uid, hash: '', namespace: 'shop', name: uid, kind: 'GitHubSource', ownerAndRepository: 'a/b' },
    target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
    ...{ eventTypes: ['push'], apiUrl: 'https://api.github.com', path: `/sources/shop/githubsource/${uid}` },
    ...{ webhook: 'manual', mapping: 'knative', allowSha1: false, secrets: { secretToken } },
  }
}

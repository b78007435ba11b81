import type { ApiTable, ServedVersion } from '@sluice/resources/api'
import { REVIEWS } from './review.ts'
import { hasStatus } from './target.ts'

const READ_VERBS = ['get', 'list', 'watch']
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const STATUS_VERBS = ['get', 'patch', 'update']

/** What there is, by path below `/`, as documents of both kinds of discovery. Source: Kubernetes, metav1 and apidiscovery/v2. */
export interface Discovery {
  document(path: string): object | undefined
  /** Of `api` or `apis`; `version` of the document. */
  aggregated(root: 'api' | 'apis', version: string): object
}

interface Group {
  readonly name: string
  /** Best first. */
  readonly versions: readonly string[]
}

export function discovery(table: ApiTable): Discovery {
  const groups = groupsOf(table)
  const named = groups.filter(({ name }) => name !== '')
  const documents = new Map<string, object>([
    [
      'api',
      {
        ...{ kind: 'APIVersions', versions: groups.find(({ name }) => name === '')?.versions ?? [] },
        serverAddressByClientCIDRs: [],
      },
    ],
    ['apis', { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupDocument) }],
    ...named.map((group): [string, object] => [
      `apis/${group.name}`,
      { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group) },
    ]),
    ...groups.flatMap(({ name, versions }) =>
      versions.map((version): [string, object] => {
        const groupVersion = name === '' ? version : `${name}/${version}`
        const resources = [...servedBy(table, groupVersion).flatMap(resourcesOf), ...reviewsOf(groupVersion)]
        return [
          `${name === '' ? 'api' : 'apis'}/${groupVersion}`,
          { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources },
        ]
      }),
    ),
  ])
  return {
    document: (path) => documents.get(path),
    aggregated: (root, version) => ({
      ...{ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {} },
      items: groups
        .filter(({ name }) => (name === '') === (root === 'api'))
        .map((group) => aggregatedGroup(table, group)),
    }),
  }
}

function groupsOf({ served }: ApiTable): readonly Group[] {
  const names = [...new Set([...served.map(({ kind }) => kind.group), ...REVIEWS.map(({ group }) => group)])]
  return names.map((name) => {
    const versions = [
      ...served.filter(({ kind }) => kind.group === name).map(({ version }) => version.name),
      ...REVIEWS.filter(({ group }) => group === name).map(({ version }) => version),
    ]
    return { name, versions: [...new Set(versions)].sort(byPriority) }
  })
}

/** v2 before v1 before v1beta2 before v1alpha1. Source: k8s.io/apimachinery pkg/version, CompareKubeAwareVersionStrings. */
function byPriority(a: string, b: string): number {
  const [x, y] = [rank(a), rank(b)]
  return x.map((each, place) => (y[place] as number) - each).find((difference) => difference !== 0) ?? 0
}

function rank(version: string): readonly number[] {
  const [, major = 0, stage, minor = 0] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? []
  return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)]
}

function groupDocument({ name, versions }: Group) {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: all, preferredVersion: all[0] }
}

function servedBy(table: ApiTable, apiVersion: string): readonly ServedVersion[] {
  return table.served.filter((each) => each.apiVersion === apiVersion)
}

function resourcesOf(served: ServedVersion): readonly object[] {
  const { kind, plural, singular, shortNames, categories, scope, isReadOnly } = served.kind
  const namespaced = scope === 'Namespaced'
  const resource = {
    ...{ name: plural, singularName: singular, namespaced, kind, verbs: isReadOnly ? READ_VERBS : VERBS },
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  }
  const status = { name: `${plural}/status`, singularName: '', namespaced, kind, verbs: STATUS_VERBS }
  return hasStatus(served) && !isReadOnly ? [resource, status] : [resource]
}

function reviewsOf(groupVersion: string): readonly object[] {
  return REVIEWS.filter(({ group, version }) => `${group}/${version}` === groupVersion).map(
    ({ kind, plural, singular }) => ({
      ...{ name: plural, singularName: singular, namespaced: false, kind, verbs: ['create'] },
    }),
  )
}

function aggregatedGroup(table: ApiTable, { name, versions }: Group): object {
  return {
    metadata: { name, creationTimestamp: null },
    versions: versions.map((version) => ({
      ...{ version, freshness: 'Current' },
      resources: [
        ...servedBy(table, name === '' ? version : `${name}/${version}`).map(aggregatedResource),
        ...REVIEWS.filter((review) => review.group === name && review.version === version).map(
          ({ group, kind, plural, singular }) => ({
            ...{ resource: plural, responseKind: { group, version, kind }, scope: 'Cluster' },
            ...{ singularResource: singular, verbs: ['create'] },
          }),
        ),
      ],
    })),
  }
}

function aggregatedResource(served: ServedVersion): object {
  const { group, kind, plural, singular, shortNames, categories, scope, isReadOnly } = served.kind
  const responseKind = { group, version: served.version.name, kind }
  return {
    ...{ resource: plural, responseKind, scope, singularResource: singular },
    ...{ verbs: isReadOnly ? READ_VERBS : VERBS, shortNames, categories },
    ...(hasStatus(served) &&
      !isReadOnly && { subresources: [{ subresource: 'status', responseKind, verbs: STATUS_VERBS }] }),
  }
}

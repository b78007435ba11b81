import { type ApiServerSourceRow, apiServerTypes } from '@sluice/contract'
import type { ApiObject } from '@sluice/resources/api'
import { type LabelSelector, apiServerSource as readSpec, selects } from '@sluice/resources/settings'
import type { Context } from '../context.ts'
import { annotationsOf, keyOf, labelsOf, specOf } from '../objects.ts'
import { type OwnFields, reported, type SourceKind } from './source-kind.ts'

/** What a source with a selector refers to: namespaces come, go and change. */
export const ANY_NAMESPACE = 'Namespace *'
/** The fact by which its service says whose objects it watches: the URL of the API server. */
const SERVER = 'apiServer'
const SERVICE = 'source-apiserver'

/** Source: knative/eventing pkg/reconciler/apiserversource/apiserversource.go. */
export const apiServerSource: SourceKind = {
  kind: 'ApiServerSource',
  service: SERVICE,
  // an object's changes stay in their order
  order: () => ({ orderKey: 'subject', order: 'key' }),
  fieldsOf(context, source) {
    const read = readSpec(specOf(source), annotationsOf(source))
    if ('problem' in read) return read
    return { value: { ...read.value, namespaces: namespacesOf(context, source) } as OwnFields }
  },
  refsOf: (_, source) => (selectorOf(source) === undefined ? [] : [ANY_NAMESPACE]),
  ceAttributes(_, fields, report) {
    const server = report?.facts?.[SERVER]
    if (server === undefined) return []
    const { add, delete: removed, update } = apiServerTypes((fields as ApiServerSourceRow).mode)
    return [add, removed, update].map((type) => ({ type, source: server }))
  },
  conditions: (_, report) => [reported('SufficientPermissions', report, SERVICE)],
  status(fields) {
    const { namespaces } = fields as ApiServerSourceRow
    return { namespaces: namespaces === 'all' ? [''] : namespaces }
  },
}

function selectorOf(source: ApiObject): LabelSelector | undefined {
  return specOf(source).namespaceSelector as LabelSelector | undefined
}

function namespacesOf({ informer }: Context, source: ApiObject): ApiServerSourceRow['namespaces'] {
  const selector = selectorOf(source)
  if (selector === undefined) return [keyOf(source).namespace]
  const { matchLabels = {}, matchExpressions = [] } = selector
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return 'all'
  return informer('Namespace')
    .list()
    .filter((namespace) => selects(selector, withName(namespace)))
    .map(({ metadata }) => metadata.name ?? '')
    .sort()
}

/** A cluster gives every namespace a label of its name. */
function withName(namespace: ApiObject): Readonly<Record<string, string>> {
  return { 'kubernetes.io/metadata.name': namespace.metadata.name ?? '', ...labelsOf(namespace) }
}

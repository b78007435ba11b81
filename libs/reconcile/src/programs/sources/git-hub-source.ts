import type { GitHubSourceRow, SourceReport } from '@sluice/contract'
import { gitHubSource as readSpec } from '@sluice/resources/settings'
import { type Condition, isUnknown } from '../conditions.ts'
import { annotationsOf, keyOf, specOf } from '../objects.ts'
import { type OwnFields, reported, type SourceKind } from './source-kind.ts'

const SERVICE = 'source-github'

/** Source: knative-extensions/eventing-github pkg/reconciler/source/githubsource.go. */
export const gitHubSource: SourceKind = {
  kind: 'GitHubSource',
  service: SERVICE,
  fieldsOf(context, source) {
    const { namespace, name } = keyOf(source)
    const spec = specOf(source)
    const read = readSpec(spec, annotationsOf(source), namespace)
    if ('problem' in read) return read
    const path = `/sources/${namespace}/githubsource/${name}`
    const publicUrl = publicUrlOf(context.receiversUrl, path, spec.secure as boolean | undefined)
    const isEnding = source.metadata.deletionTimestamp !== undefined
    return {
      value: { ...read.value, path, ...(publicUrl && { publicUrl }), ...(isEnding && { ending: true }) } as OwnFields,
    }
  },
  ceAttributes(_, fields) {
    const { mapping, eventTypes, ownerAndRepository } = fields as GitHubSourceRow
    // the other mapping's types have the action in them, which nobody knows before
    if (mapping !== 'knative') return []
    const source = `https://github.com/${ownerAndRepository}`
    const named = eventTypes.filter((name) => name !== '*')
    return named.map((name) => ({ type: `dev.knative.source.github.${name}`, source }))
  },
  conditions: (_, report) => [secretsProvided(report), reported('WebhookConfigured', report, SERVICE)],
  status(_, report) {
    const webhookIDKey = report?.facts?.webhookIDKey
    return webhookIDKey === undefined ? {} : { webhookIDKey }
  },
  finalizer: {
    name: 'githubsources.sources.knative.dev',
    isNeeded: (_, fields) => (fields as GitHubSourceRow).webhook === 'managed',
    isDone: ({ facts }) => facts?.webhookRemoved === 'true',
  },
}

function publicUrlOf(base: string | undefined, path: string, secure: boolean | undefined): string | undefined {
  if (base === undefined) return undefined
  const url = new URL(`${base.replace(/\/+$/, '')}${path}`)
  if (secure !== undefined) url.protocol = secure ? 'https:' : 'http:'
  return url.href
}

/** A service that runs the source has its secrets. */
function secretsProvided(report: SourceReport | undefined): Condition {
  const type = 'SecretsProvided'
  const { [type]: own, Deployed: deployed } = report?.conditions ?? {}
  if (own !== undefined) return { type, ...own }
  if (deployed?.status === 'True') return { type, status: 'True' }
  if (deployed?.reason === 'SourceSecretMissing') return { ...deployed, type }
  return isUnknown(type, 'NotReported', `waits for ${SERVICE} to ask for them`)
}

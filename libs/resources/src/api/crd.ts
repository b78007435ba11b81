import { type ApiKind, apiVersionOf } from './kind.ts'
import { structuralOf } from './structural.ts'

/** The CustomResourceDefinition of a kind of ours: the versions a cluster serves. Throws nothing. */
export function crdOf(kind: ApiKind) {
  const { group, plural, singular, shortNames, categories, scope } = kind
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'sluice', 'knative.dev/crd-install': 'true', ...kind.labels },
      ...(kind.annotations && { annotations: kind.annotations }),
    },
    spec: {
      group,
      scope,
      names: {
        ...{ kind: kind.kind, listKind: `${kind.kind}List`, plural, singular },
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
      },
      versions: kind.versions
        .filter(({ inCluster }) => inCluster !== false)
        .map((version) => ({
          ...{ name: version.name, served: true, storage: version.storage },
          ...(version.deprecationWarning !== undefined && {
            deprecated: true,
            deprecationWarning: version.deprecationWarning,
          }),
          schema: { openAPIV3Schema: structuralOf(version, kind.description) },
          ...('status' in version.schema.shape && {
            subresources: { status: {}, ...(version.scale && { scale: version.scale }) },
          }),
          additionalPrinterColumns: version.printerColumns,
        })),
    },
  }
}

/** `brokers.eventing.knative.dev`, for a file's name. */
export function crdName({ plural, group }: ApiKind): string {
  return `${plural}.${group}`
}

/** A ValidatingAdmissionPolicy for what the CRD's rules can't see, and its binding; undefined without such rules. */
export function policyOf(kind: ApiKind) {
  const rules = (kind.requestRules ?? []).filter(({ cel }) => cel !== undefined)
  if (kind.owner !== 'sluice' || rules.length === 0) return undefined
  const name = crdName(kind)
  const versions = kind.versions.filter(({ inCluster }) => inCluster !== false)
  const metadata = { name, labels: { 'app.kubernetes.io/part-of': 'sluice' } }
  const has = (object: string) =>
    `has(${object}.metadata) && has(${object}.metadata.annotations) ? ${object}.metadata.annotations : {}`
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [kind.group],
              apiVersions: versions.map((version) => apiVersionOf({ group: '' }, version)),
              operations: ['CREATE', 'UPDATE'],
              resources: [kind.plural],
            },
          ],
        },
        variables: [
          { name: 'annotations', expression: has('object') },
          { name: 'oldAnnotations', expression: `oldObject == null ? {} : (${has('oldObject')})` },
        ],
        validations: rules.map(({ cel = '', message }) => ({ expression: inPolicy(cel), message, reason: 'Invalid' })),
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ]
}

/** A policy reaches its variables by `variables.`; the rules leave it out. */
export function inPolicy(cel: string): string {
  return cel.replace(/(?<![\w.'])(annotations|oldAnnotations)\b(?=[[).]| |$)/g, 'variables.$1')
}

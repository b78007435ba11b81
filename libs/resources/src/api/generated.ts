import { stringify } from 'yaml'
import { crdName, crdOf, policyOf } from './crd.ts'
import type { ApiKind } from './kind.ts'
import { openApiDocuments } from './openapi.ts'
import { referencePage } from './reference.ts'

const MADE = '# Made by `npm run generate` from libs/resources/src/api. Do not edit.\n'

/** Every file that is made from the kinds, by its path from the root of the repository. */
export function generatedFiles(kinds: readonly ApiKind[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>([['docs/reference/api.md', referencePage(kinds)]])
  for (const kind of kinds.filter(({ owner }) => owner === 'sluice')) {
    files.set(`deploy/kubernetes/crds/${crdName(kind)}.yaml`, yaml([crdOf(kind)]))
    const policy = policyOf(kind)
    if (policy !== undefined) files.set(`deploy/kubernetes/policies/${crdName(kind)}.yaml`, yaml(policy))
  }
  for (const [path, document] of openApiDocuments(kinds))
    files.set(`libs/resources/generated/openapi/${fileName(path)}.json`, `${JSON.stringify(document, null, 1)}\n`)
  return files
}

/** `apis__eventing.knative.dev__v1`, as Kubernetes names its own. */
function fileName(path: string): string {
  return path.replaceAll('/', '__')
}

function yaml(documents: readonly object[]): string {
  const options = { lineWidth: 0, aliasDuplicateObjects: false }
  return MADE + documents.map((document) => stringify(document, options)).join('---\n')
}

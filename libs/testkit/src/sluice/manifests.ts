import type { ControlPlane } from '@sluice/reconcile'
import { applyManifests } from '@sluice/reconcile'
import { formatProblem, type ManifestObject, manifestParser } from '@sluice/resources/manifests'
import type { ManifestsGiven } from './options.ts'
import { invalid, readManifests } from './read-manifests.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/**
 * Makes the control plane say what is given, and nothing else; Services that `isLeftOut` are the tests' own. Rejects
 * with MANIFESTS_INVALID, also where an object would not be Ready: then all is as it was.
 */
export function manifestsOf(
  { registry, settled }: Pick<ControlPlane, 'registry' | 'settled'>,
  isLeftOut: (name: string) => boolean,
): (given: ManifestsGiven) => Promise<void> {
  const parse = manifestParser(registry.table)
  let inForce: readonly ManifestObject[] = []

  async function make(objects: readonly ManifestObject[]): Promise<readonly string[]> {
    const { problems } = await applyManifests(registry, objects)
    if (problems.length > 0) return problems.map(formatProblem)
    await settled()
    return objects.flatMap(notReady)
  }

  function notReady({ served, object, label }: ManifestObject): string[] {
    const { namespace = '', name = '' } = object.metadata
    const { status = {} } = registry.get(served, { name, ...(namespace !== '' && { namespace }) })
    const { conditions = [] } = status as { readonly conditions?: readonly Condition[] }
    return conditions
      .filter((condition) => condition.status === 'False' && condition.type !== 'Ready')
      .map(({ reason, message }) => `${label} would not be Ready: ${message ?? reason}`)
  }

  return async (given) => {
    const objects = (await readManifests(given, parse)).filter(({ object: { kind, metadata } }) => {
      return kind !== 'Service' || !isLeftOut(`${metadata.namespace}/${metadata.name}`)
    })
    const problems = await make(objects)
    if (problems.length === 0) {
      inForce = objects
      return
    }
    await make(inForce)
    throw invalid(problems)
  }
}

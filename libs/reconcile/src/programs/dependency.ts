import { type Condition, conditionOf, isFalse, isTrue, isUnknown } from './conditions.ts'
import type { Context } from './context.ts'
import type { Reference } from './destination.ts'
import { statusFieldsOf } from './objects.ts'

export const DEPENDENCY = 'knative.dev/dependency'

/** The object that the annotation names, as far as it can be read. */
export function dependencyOf(text: string): Reference {
  try {
    const value = JSON.parse(text) as Partial<Reference> | null
    return { apiVersion: '', kind: '', name: '', ...value }
  } catch {
    return { apiVersion: '', kind: '', name: '' }
  }
}

/** Source: knative/eventing pkg/reconciler/broker/trigger/trigger.go, checkDependencyAnnotation. */
export function dependencyReady(context: Context, text: string | undefined, namespace: string): Condition {
  const type = 'DependencyReady'
  if (text === undefined) return isTrue(type)
  const ref = dependencyOf(text)
  if (ref.kind === '' || ref.name === '' || ref.apiVersion === '')
    return isFalse(type, 'DependencyInvalid', `${DEPENDENCY} must be the JSON of an object reference`)
  const called = `${ref.kind} ${ref.namespace ?? namespace}/${ref.name}`
  if (context.table.ofKind(ref.apiVersion, ref.kind) === undefined)
    return isFalse(type, 'DependencyKindUnknown', `${ref.kind} of ${ref.apiVersion} is not a kind of this installation`)
  const object = context.resolver.object(ref, namespace)
  if (object === undefined) return isFalse(type, 'DependencyDoesNotExist', `${called} does not exist`)
  const ready = conditionOf(object, 'Ready')
  if (ready === undefined || statusFieldsOf(object).observedGeneration !== object.metadata.generation)
    return isUnknown(type, 'DependencyNotConfigured', `${called} was not looked at yet`)
  if (ready.status === 'True') return isTrue(type)
  return { ...ready, type, message: `${called}: ${ready.message ?? ''}` }
}

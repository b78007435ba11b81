import { isFailure } from '@sluice/errors'
import { selects } from '@sluice/resources/settings'
import type { ObjectKey } from '../api/resource-client.ts'
import type { Program } from '../runtime/program.ts'
import type { Context } from './context.ts'
import { BROKER } from './kinds.ts'
import { keyOf, labelsOf, refOf, specOf } from './objects.ts'
import { createReferences } from './references.ts'

const INJECTED = { 'eventing.knative.dev/injected': 'true' }

/**
 * Makes a Broker `default` in each namespace that config-sugar selects. It is nobody's: it stays when the selector
 * changes. Source: knative/eventing pkg/reconciler/sugar/namespace/namespace.go.
 */
export function namespaceInjection(context: Context): Program {
  const references = createReferences()
  return {
    kind: context.kinds('Namespace'),
    watches: watches(context, references, (key) => ({ name: key.namespace ?? '' })),
    async reconcile(key, object) {
      await context.ready
      references.set(key, object === undefined ? [] : [sugarRef(context)])
      const { namespaces } = context.settings.sugar()
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return {}
      if (namespaces !== undefined && selects(namespaces, labelsOf(object))) await inject(context, key.name, 'default')
      return {}
    },
  }
}

/** Makes the Broker that a Trigger names, where config-sugar selects the Trigger. Source: as above, sugar/trigger/trigger.go. */
export function triggerInjection(context: Context): Program {
  const references = createReferences()
  return {
    kind: context.kinds('Trigger'),
    watches: watches(context, references, undefined),
    async reconcile(key, object) {
      await context.ready
      const name = String((object && specOf(object).broker) ?? '')
      const namespace = key.namespace ?? ''
      references.set(key, object === undefined ? [] : [sugarRef(context), refOf(BROKER, { namespace, name })])
      const { triggers } = context.settings.sugar()
      if (object === undefined || name === '' || object.metadata.deletionTimestamp !== undefined) return {}
      if (triggers !== undefined && selects(triggers, labelsOf(object)))
        await inject(context, keyOf(object).namespace, name)
      return {}
    },
  }
}

function sugarRef({ settings }: Context): string {
  return refOf('ConfigMap', { namespace: settings.namespace, name: 'config-sugar' })
}

/** Brokers are watched so that one that was deleted is made again; `of` names whose Broker it is, else who refers to it. */
function watches(
  { kinds }: Context,
  references: ReturnType<typeof createReferences>,
  of: ((broker: ObjectKey) => ObjectKey) | undefined,
): Program['watches'] {
  return [
    { kind: kinds('ConfigMap'), concerns: ({ key }) => references.of(refOf('ConfigMap', key)) },
    {
      kind: kinds(BROKER),
      concerns: ({ key, now }) => (now !== undefined ? [] : of ? [of(key)] : references.of(refOf(BROKER, key))),
    },
  ]
}

async function inject(context: Context, namespace: string, name: string): Promise<void> {
  if (context.informer(BROKER).get({ namespace, name }) !== undefined) return
  const kind = context.kinds(BROKER)
  const metadata = { namespace, name, labels: INJECTED }
  try {
    await context.client.create(kind, { apiVersion: kind.apiVersion, kind: BROKER, metadata, spec: {} })
  } catch (error) {
    if (!isFailure(error, 'RESOURCE_REFUSED') || error.detail.reason !== 'AlreadyExists') throw error
  }
}

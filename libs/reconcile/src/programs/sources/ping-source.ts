import { PING_TYPE, pingSourceUri } from '@sluice/contract'
import { pingSource as readSpec } from '@sluice/resources/settings'
import { annotationsOf, keyOf, refOf, specOf } from '../objects.ts'
import type { SourceKind } from './source-kind.ts'

/** Source: knative/eventing pkg/reconciler/pingsource/pingsource.go. */
export const pingSource: SourceKind = {
  kind: 'PingSource',
  service: 'source-cron',
  fieldsOf: ({ settings }, source) => readSpec(specOf(source), annotationsOf(source), settings.pingDataMaxSize()),
  refsOf: ({ settings }) => [refOf('ConfigMap', { namespace: settings.namespace, name: 'config-ping-defaults' })],
  ceAttributes: (source) => [{ type: PING_TYPE, source: pingSourceUri(keyOf(source)) }],
  conditions: () => [],
}

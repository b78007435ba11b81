import { bytes, type ConfigOf, integer, oneOf, originUrl, type Rules, text } from '@sluice/config'
import type { LogRow } from '@sluice/contract'

const HOUR_MS = 3_600_000
const MAX_BYTES = 1_099_511_627_776
const MAX_HOURS = 87_600
/** A trigger's share of the store that may wait. */
const BACKLOG_SHARE = 4

/** What manifests leave open. */
export const storeConfig = {
  storeMaxBytes: bytes('STORE_MAX_BYTES', {
    ...{ min: 1_048_576, max: MAX_BYTES, fallback: 4_294_967_296 },
    meaning: 'planned size of the store; a trigger may have a quarter of it waiting before producers get 429',
  }),
  retentionMaxBytes: bytes('RETENTION_MAX_BYTES', {
    ...{ min: 0, max: MAX_BYTES, fallback: 1_073_741_824 },
    meaning: 'history kept per broker of what every trigger has passed, by size',
  }),
  retentionHours: integer('RETENTION_HOURS', {
    ...{ min: 0, max: MAX_HOURS, fallback: 24 },
    meaning: 'the same, by age',
  }),
  parkedRetentionHours: integer('PARKED_RETENTION_HOURS', {
    ...{ min: 1, max: MAX_HOURS, fallback: 168 },
    meaning: 'how long parked events are kept before they are deleted',
  }),
}

export const receiversConfig = {
  receiversUrl: originUrl('RECEIVERS_URL', {
    fallback: undefined,
    meaning:
      'where the world reaches the receivers of webhooks, such as https://hooks.example; unset, none can be told it',
  }),
}

/** The same in the units of rows. */
export function storeLimits(config: ConfigOf<typeof storeConfig>): {
  readonly backlogMaxBytes: number
  readonly retention: LogRow['retention']
  readonly parkedRetentionMs: number
} {
  return {
    backlogMaxBytes: config.storeMaxBytes / BACKLOG_SHARE,
    retention: { maxAgeMs: config.retentionHours * HOUR_MS, maxBytes: config.retentionMaxBytes },
    parkedRetentionMs: config.parkedRetentionHours * HOUR_MS,
  }
}

/** Whose API says what there is. */
export const controlPlaneConfig = {
  controlPlane: oneOf('CONTROL_PLANE', ['embedded', 'kubernetes'], {
    fallback: 'embedded',
    meaning: 'whose objects are kept in force: those of the API on the control port, or those of a Kubernetes cluster',
  }),
  kubeconfig: text('KUBECONFIG', {
    fallback: undefined,
    meaning:
      'for CONTROL_PLANE=kubernetes: file that says how the cluster is reached; in a pod its service account does',
  }),
  clusterDomain: text('CLUSTER_DOMAIN', {
    fallback: 'cluster.local',
    meaning: 'for CONTROL_PLANE=kubernetes: domain of the host names of Services',
  }),
  leaseNamespace: text('LEASE_NAMESPACE', {
    fallback: 'knative-eventing',
    meaning: 'for CONTROL_PLANE=kubernetes: namespace of the Lease sluice-controller, whose holder leads',
  }),
}

export const controlPlaneRules: Rules<typeof controlPlaneConfig> = ({ controlPlane }, isSet) => {
  if (controlPlane === 'kubernetes')
    return isSet('SLUICE_MANIFESTS')
      ? ['SLUICE_MANIFESTS: does nothing with CONTROL_PLANE=kubernetes: apply the manifests to the cluster instead']
      : []
  // KUBECONFIG is set for kubectl on many machines
  return ['CLUSTER_DOMAIN', 'LEASE_NAMESPACE']
    .filter(isSet)
    .map((name) => `${name}: does nothing without CONTROL_PLANE=kubernetes: remove it, or set that`)
}

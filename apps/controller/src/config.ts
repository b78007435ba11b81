import { fileURLToPath } from 'node:url'
import { originUrl, type Rules, text } from '@sluice/config'
import { contractServerConfig, contractServerRules, sourceOfficeConfig } from '@sluice/contract'
import { driverConfig, driverRules } from '@sluice/drivers'
import { controlPlaneConfig, controlPlaneRules, receiversConfig, storeConfig } from '@sluice/reconcile'
import type { platformConfig } from '@sluice/service'

/** What the controller reads besides the platform's variables. */
export const config = {
  manifests: text('SLUICE_MANIFESTS', {
    fallback: fileURLToPath(new URL('../../../examples/quickstart', import.meta.url)),
    meaning: 'folder of manifests, applied at the start and within a second of an edit',
  }),
  dataDir: text('SLUICE_DATA_DIR', {
    fallback: '.sluice',
    meaning: 'folder for the contract and the objects; with CONTROL_PLANE=kubernetes one folder for all that may lead',
  }),
  ...contractServerConfig,
  ...sourceOfficeConfig,
  ingressUrl: originUrl('INGRESS_URL', {
    fallback: 'http://127.0.0.1:8080',
    meaning: 'where the ingress is reached: the address of brokers',
  }),
  eventDisplayUrl: originUrl('EVENT_DISPLAY_URL', {
    fallback: undefined,
    meaning: 'where an event display runs: the Service event-display of namespace default',
  }),
  ...controlPlaneConfig,
  ...storeConfig,
  ...receiversConfig,
  ...driverConfig,
}

export const rules: Rules<typeof config & typeof platformConfig> = (read, isSet) => [
  ...controlPlaneRules(read, isSet),
  ...contractServerRules(read, isSet),
  ...driverRules(read, isSet),
]

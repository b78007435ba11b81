import { fileURLToPath } from 'node:url'
import { type ConfigOf, type Rules, text } from '@sluice/config'
import { sourceOfficeConfig } from '@sluice/contract'
import { driverConfig, driverRules } from '@sluice/drivers'
import { ingressConfig, ingressUrl } from '@sluice/ingress'
import { journalConfig } from '@sluice/journal'
import { receiversConfig, storeConfig } from '@sluice/reconcile'

/** What standalone reads besides the platform's variables. */
export const config = {
  ...ingressConfig,
  ingressUrl,
  dataDir: text('SLUICE_DATA_DIR', { fallback: '.sluice', meaning: 'folder of all that must survive' }),
  manifests: text('SLUICE_MANIFESTS', {
    fallback: fileURLToPath(new URL('../../../examples/quickstart', import.meta.url)),
    meaning: 'folder of manifests, applied at the start and within a second of an edit',
  }),
  ...journalConfig,
  ...storeConfig,
  ...receiversConfig,
  ...sourceOfficeConfig,
  ...driverConfig,
}

export type StandaloneConfig = ConfigOf<typeof config>

export const rules: Rules<typeof config> = driverRules

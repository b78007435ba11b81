import { port, type Rules } from '@sluice/config'
import { contractConfig, contractRules } from '@sluice/contract'
import { admissionConfig } from '@sluice/ingress'

/** What source-github reads besides the platform's variables: where webhooks come in, and where its sources are. */
export const config = {
  receiverPort: port('RECEIVER_PORT', { fallback: 8080, meaning: 'where webhooks come in; 0 is any free port' }),
  maxEventBytes: admissionConfig.maxEventBytes,
  ...contractConfig,
}

export const rules: Rules<typeof config> = contractRules

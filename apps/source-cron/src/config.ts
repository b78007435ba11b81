import type { Rules } from '@sluice/config'
import { contractConfig, contractRules } from '@sluice/contract'

/** What source-cron reads besides the platform's variables: where its sources are. */
export const config = { ...contractConfig }

export const rules: Rules<typeof config> = contractRules

import type { Rules } from '@sluice/config'
import { contractConfig, contractRules } from '@sluice/contract'

/** What source-kafka reads besides the platform's variables: where its sources are. Each names its own cluster. */
export const config = { ...contractConfig }

export const rules: Rules<typeof config> = contractRules

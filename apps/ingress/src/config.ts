import type { Rules } from '@sluice/config'
import { contractConfig, contractRules } from '@sluice/contract'
import { driverConfig, driverRules } from '@sluice/drivers'
import { ingressConfig } from '@sluice/ingress'
import { journalConfig } from '@sluice/journal'

/** What the ingress reads besides the platform's variables. */
export const config = { ...ingressConfig, ...contractConfig, ...journalConfig, ...driverConfig }

export const rules: Rules<typeof config> = (read, isSet) => [...contractRules(read, isSet), ...driverRules(read, isSet)]

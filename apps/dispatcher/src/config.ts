import type { Rules } from '@sluice/config'
import { contractConfig, contractRules } from '@sluice/contract'
import { driverConfig, driverRules } from '@sluice/drivers'
import { admissionConfig, ingressUrl } from '@sluice/ingress'
import { journalConfig } from '@sluice/journal'

/** What the dispatcher reads besides the platform's variables. Replies pass the same admission as other events. */
export const config = { ...admissionConfig, ingressUrl, ...contractConfig, ...journalConfig, ...driverConfig }

export const rules: Rules<typeof config> = (read, isSet) => [...contractRules(read, isSet), ...driverRules(read, isSet)]

import { originUrl, type Rules, text } from '@sluice/config'
import { contractConfig, contractRules } from '@sluice/contract'

/** What source-apiserver reads besides the platform's variables: where its sources are, and whose objects they watch. */
export const config = {
  ...contractConfig,
  kubeconfig: text('KUBECONFIG', {
    fallback: undefined,
    meaning: 'file that says how the API server is reached; in a pod its service account does',
  }),
  apiServerUrl: originUrl('API_SERVER_URL', {
    fallback: undefined,
    meaning: 'address of the API server, where it is not the one that the kubeconfig has',
  }),
}

export const rules: Rules<typeof config> = contractRules

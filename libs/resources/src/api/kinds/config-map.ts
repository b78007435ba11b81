import { z } from 'zod'
import { AGE, type ApiKind } from '../kind.ts'
import { base64, dataKey, dataRules } from '../types/data.ts'

/** Source: Kubernetes core/v1 ConfigMap. */
export const configMap: ApiKind = {
  group: '',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  scope: 'Namespaced',
  description: 'Texts by name, for settings.',
  owner: 'kubernetes',
  requestRules: dataRules('data', 'binaryData'),
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        data: z.record(dataKey, z.string()).meta({ description: 'Texts.' }).optional(),
        binaryData: z.record(dataKey, base64).meta({ description: 'Bytes in base64.' }).optional(),
        immutable: z.boolean().meta({ description: 'Nothing of it changes any more.' }).optional(),
      }),
      printerColumns: [AGE],
    },
  ],
}

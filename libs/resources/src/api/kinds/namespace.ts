import { z } from 'zod'
import { AGE, type ApiKind, column } from '../kind.ts'

/** Source: Kubernetes core/v1 Namespace. */
export const namespace: ApiKind = {
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  scope: 'Cluster',
  description: 'A room for names.',
  nameIs: 'label',
  owner: 'kubernetes',
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z.object({ finalizers: z.array(z.string()).optional() }).optional(),
        status: z.object({ phase: z.enum(['Active', 'Terminating']).optional() }).optional(),
      }),
      printerColumns: [column('Status', '.status.phase'), AGE],
    },
  ],
}

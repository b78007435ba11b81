import { z } from 'zod'
import { type ApiKind, column } from '../kind.ts'

/** The list of our own kinds, which clients look into to learn what there is. Source: Kubernetes apiextensions/v1. */
export const customResourceDefinition: ApiKind = {
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  scope: 'Cluster',
  description: 'Says what kind of objects there are. Only to be read.',
  owner: 'kubernetes',
  isReadOnly: true,
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z.looseObject({ group: z.string(), scope: z.string(), names: z.record(z.string(), z.unknown()) }),
        status: z.record(z.string(), z.unknown()).optional(),
      }),
      printerColumns: [column('Created At', '.metadata.creationTimestamp')],
    },
  ],
}

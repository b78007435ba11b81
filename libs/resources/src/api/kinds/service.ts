import { z } from 'zod'
import { httpUrl } from '../../fields.ts'
import { AGE, type ApiKind, column, type RequestRule } from '../kind.ts'
import { annotationsOf } from '../types/channelable.ts'
import { objectName } from '../types/reference.ts'

const URL_ANNOTATION = 'sluice.dev/url'

const urlIsUrl: RequestRule = {
  cel: undefined,
  path: ['metadata', 'annotations', URL_ANNOTATION],
  message: '',
  problem({ object }) {
    const url = annotationsOf(object)[URL_ANNOTATION]
    return url === undefined ? undefined : httpUrl.safeParse(url).error?.issues[0]?.message
  },
}

/** A name for a URL outside a cluster: the annotation, else `spec.externalName`. Source: Kubernetes core/v1 Service. */
export const service: ApiKind = {
  group: '',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  scope: 'Namespaced',
  description: 'A name for a URL, which the annotation sluice.dev/url or spec.externalName says.',
  nameIs: 'label',
  owner: 'kubernetes',
  requestRules: [urlIsUrl],
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z
          .looseObject({
            type: z.string().meta({ description: 'Without effect outside a cluster, as all that follows.' }).optional(),
            externalName: objectName.meta({ description: 'Host name that the Service stands for.' }).optional(),
          })
          .optional(),
        status: z.record(z.string(), z.unknown()).optional(),
      }),
      printerColumns: [
        column('Type', '.spec.type'),
        column('External-Name', '.spec.externalName'),
        column('URL', '.metadata.annotations.sluice\\.dev/url'),
        AGE,
      ],
    },
  ],
}

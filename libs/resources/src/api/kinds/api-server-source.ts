import { apiServerTypes } from '@sluice/contract'
import { z } from 'zod'
import { API_SERVER_ANNOTATIONS } from '../../source-annotations.ts'
import { AGE, type ApiKind, READY } from '../kind.ts'
import { annotationRules } from '../types/annotations.ts'
import { filters } from '../types/filters.ts'
import { labelSelector } from '../types/label-selector.ts'
import { objectName } from '../types/reference.ts'
import {
  eventTypesAnnotation,
  SINK_COLUMN,
  SOURCE_CATEGORIES,
  sourceLabels,
  sourceSpec,
  sourceStatus,
} from '../types/source.ts'

const groupVersion = z
  .string()
  .max(253)
  .regex(/^[^/\s]+(\/[^/\s]+)?$/, { error: 'must be a group and a version such as "apps/v1", or "v1"' })
  .meta({ description: 'Group and version, such as v1 or apps/v1.' })
const kind = z.string().max(63).regex(/\S/, { error: 'must not be empty' }).meta({ description: 'Kind, such as Pod.' })

const typesOf = (mode: Parameters<typeof apiServerTypes>[0]) =>
  Object.entries(apiServerTypes(mode)).map(([what, type]) => ({
    type,
    description: `${mode === 'Resource' ? 'An object' : 'A reference to an object'}: ${what}.`,
  }))

/** Source: knative/eventing pkg/apis/sources/v1/apiserver_types.go, apiserver_validation.go. */
export const apiServerSource: ApiKind = {
  group: 'sources.knative.dev',
  kind: 'ApiServerSource',
  plural: 'apiserversources',
  singular: 'apiserversource',
  shortNames: [],
  categories: SOURCE_CATEGORIES,
  scope: 'Namespaced',
  description: 'Sends an event for each change of objects of an API server.',
  owner: 'sluice',
  labels: sourceLabels(),
  annotations: eventTypesAnnotation([...typesOf('Resource'), ...typesOf('Reference')]),
  requestRules: annotationRules(API_SERVER_ANNOTATIONS),
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z.object({
          resources: z
            .array(
              z.object({
                apiVersion: groupVersion,
                kind,
                selector: labelSelector.meta({ description: 'Which objects; absent: all.' }).optional(),
              }),
            )
            .min(1)
            .max(256)
            .meta({ description: 'What is watched.' }),
          owner: z
            .object({ apiVersion: groupVersion.optional(), kind })
            .meta({ description: 'Only objects that one of this kind controls.' })
            .optional(),
          mode: z
            .enum(['Reference', 'Resource'])
            .default('Reference')
            .meta({ description: 'Whether events carry what names the object, or all of it.' }),
          serviceAccountName: objectName
            .default('default')
            .meta({ description: 'ServiceAccount of the same namespace that watches.' }),
          namespaceSelector: labelSelector
            .meta({ description: "Namespaces by their labels, {} for all; absent: the source's own." })
            .optional(),
          filters: filters.optional(),
          ...sourceSpec,
        }),
        status: z
          .object({
            ...sourceStatus,
            namespaces: z.array(z.string()).meta({ description: 'Where it watches.' }).optional(),
          })
          .optional(),
      }),
      printerColumns: [SINK_COLUMN, AGE, ...READY],
    },
  ],
}

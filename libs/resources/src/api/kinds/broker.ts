import { z } from 'zod'
import { BROKER_ANNOTATIONS } from '../../broker-annotations.ts'
import { AGE, type ApiKind, column, READY, type RequestRule, URL_COLUMN } from '../kind.ts'
import { immutable } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { annotationsOf } from '../types/channelable.ts'
import { delivery } from '../types/delivery.ts'
import { reference } from '../types/reference.ts'
import { addressFields, resolved, statusFields } from '../types/status.ts'

const CLASS = 'eventing.knative.dev/broker.class'

const classIsNotEmpty: RequestRule = {
  cel: `!('${CLASS}' in annotations) || annotations['${CLASS}'] != ''`,
  path: ['metadata', 'annotations', CLASS],
  message: `${CLASS} must not be empty: leave it out for the default class`,
  problem: ({ object }) =>
    annotationsOf(object)[CLASS] === '' ? 'must not be empty: leave it out for the default class' : undefined,
}

/** Absence included: a Broker without it got the class that was the default when it was made. */
const classIsImmutable: RequestRule = {
  cel: `oldObject == null || (('${CLASS}' in annotations) == ('${CLASS}' in oldAnnotations) && (!('${CLASS}' in annotations) || annotations['${CLASS}'] == oldAnnotations['${CLASS}']))`,
  path: ['metadata', 'annotations', CLASS],
  message: `Immutable fields changed: ${CLASS} can't be changed, delete the Broker and create it again`,
  problem({ object, oldObject }) {
    if (oldObject === undefined || annotationsOf(object)[CLASS] === annotationsOf(oldObject)[CLASS]) return undefined
    return "Immutable fields changed: the class can't be changed, delete the Broker and create it again"
  },
}

/** Source: knative/eventing pkg/apis/eventing/v1/broker_types.go, broker_validation.go. */
export const broker: ApiKind = {
  group: 'eventing.knative.dev',
  kind: 'Broker',
  plural: 'brokers',
  singular: 'broker',
  shortNames: [],
  categories: ['all', 'knative', 'eventing'],
  scope: 'Namespaced',
  description: 'Takes events and gives each Trigger those it asks for.',
  owner: 'sluice',
  labels: { 'duck.knative.dev/addressable': 'true' },
  requestRules: [classIsNotEmpty, classIsImmutable, ...annotationRules(BROKER_ANNOTATIONS)],
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec: z
          .object({
            config: reference
              .meta({ description: 'What the class of this Broker reads its settings from; never changes.' })
              .optional(),
            delivery: delivery.optional(),
          })
          .default({}),
        status: z.object({ ...statusFields, ...addressFields, ...resolved('deadLetterSink') }).optional(),
      }),
      transitions: { spec: [immutable('config')] },
      printerColumns: [
        URL_COLUMN,
        AGE,
        ...READY,
        column('Class', '.metadata.annotations.eventing\\.knative\\.dev/broker\\.class', 1),
      ],
    },
  ],
}

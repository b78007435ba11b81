import { z } from 'zod'
import { disagreement, KAFKA_ORDER, ORDER, TRIGGER_ANNOTATIONS } from '../../trigger-annotations.ts'
import { AGE, type ApiKind, column, READY, type RequestRule } from '../kind.ts'
import { immutable, withRules } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { annotationsOf } from '../types/channelable.ts'
import { delivery } from '../types/delivery.ts'
import { filter, filters } from '../types/filters.ts'
import { destination, reference } from '../types/reference.ts'
import { auth, resolved, statusFields } from '../types/status.ts'

const DEPENDENCY = 'knative.dev/dependency'
const INJECTION = 'eventing.knative.dev/injection'

/** An ObjectReference as JSON. CEL reads no JSON: in a cluster the controller says it, as a condition. */
const dependencyNamesAnObject: RequestRule = {
  cel: undefined,
  path: ['metadata', 'annotations', DEPENDENCY],
  message: '',
  problem({ object }) {
    const text = annotationsOf(object)[DEPENDENCY]
    return text === undefined ? undefined : dependencyProblem(text, object.metadata.namespace)
  },
}

/** Source: knative/eventing pkg/apis/eventing/v1/trigger_validation.go, validateAnnotation. */
function dependencyProblem(text: string, namespace: string | undefined): string | undefined {
  const reference = parsed(text)
  if (typeof reference !== 'object' || reference === null || Array.isArray(reference))
    return 'must be the JSON of an object reference'
  const fields = reference as Readonly<Record<string, unknown>>
  const missing = ['kind', 'name', 'apiVersion'].filter((field) => typeof fields[field] !== 'string' || !fields[field])
  if (missing.length > 0) return `lacks ${missing.join(', ')}`
  if (fields.namespace === undefined || fields.namespace === '' || fields.namespace === namespace) return undefined
  return "must be of the Trigger's namespace"
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Source: as above, validateInjectionAnnotation. */
const injectionIsForDefault: RequestRule = {
  cel: `!('${INJECTION}' in annotations) || (annotations['${INJECTION}'] in ['enabled', 'disabled'] && has(object.spec.broker) && object.spec.broker == 'default')`,
  path: ['metadata', 'annotations', INJECTION],
  message: `${INJECTION} must be "enabled" or "disabled", and needs spec.broker to be "default"`,
  problem({ object }) {
    const value = annotationsOf(object)[INJECTION]
    if (value === undefined) return undefined
    if (value !== 'enabled' && value !== 'disabled') return 'must be "enabled" or "disabled"'
    const { broker } = (object.spec ?? {}) as { broker?: unknown }
    return broker === 'default' ? undefined : 'needs spec.broker to be "default": that is the Broker it makes'
  },
}

const ordersAgree: RequestRule = {
  cel: `!('${ORDER}' in annotations && '${KAFKA_ORDER}' in annotations) || (annotations['${ORDER}'] == 'none') == (annotations['${KAFKA_ORDER}'] == 'unordered')`,
  path: ['metadata', 'annotations', ORDER],
  message: `${ORDER} and ${KAFKA_ORDER} say different things: remove one`,
  problem({ object }) {
    const { [ORDER]: own, [KAFKA_ORDER]: kafka } = annotationsOf(object)
    return disagreement(own, kafka)
  },
}

const spec = withRules(
  z.object({
    broker: z.string().max(253).meta({ description: 'Name of a Broker of the same namespace.' }).optional(),
    brokerRef: reference.meta({ description: 'The Broker, instead of broker.' }).optional(),
    filter,
    filters: filters.optional(),
    subscriber: destination.meta({ description: 'Gets the events.' }),
    delivery: delivery.optional(),
  }),
  {
    cel: "(has(self.broker) && self.broker != '') || has(self.brokerRef)",
    test: ({ broker, brokerRef }) => (broker !== undefined && broker !== '') || brokerRef !== undefined,
    message: 'is required',
    path: ['broker'],
    reason: 'FieldValueRequired',
  },
  {
    cel: '!has(self.broker) || !has(self.brokerRef)',
    test: ({ broker, brokerRef }) => broker === undefined || brokerRef === undefined,
    message: 'is beside broker: drop one',
    path: ['brokerRef'],
    reason: 'FieldValueForbidden',
  },
  {
    cel: '!has(self.brokerRef) || !has(self.brokerRef.namespace)',
    test: ({ brokerRef }) => brokerRef?.namespace === undefined,
    message: 'must be absent: only Brokers of the same namespace can be named',
    path: ['brokerRef', 'namespace'],
    reason: 'FieldValueForbidden',
  },
)

/** Source: knative/eventing pkg/apis/eventing/v1/trigger_types.go, trigger_validation.go. */
export const trigger: ApiKind = {
  group: 'eventing.knative.dev',
  kind: 'Trigger',
  plural: 'triggers',
  singular: 'trigger',
  shortNames: [],
  categories: ['all', 'knative', 'eventing'],
  scope: 'Namespaced',
  description: 'Asks a Broker for events and sends them to a subscriber.',
  owner: 'sluice',
  requestRules: [dependencyNamesAnObject, injectionIsForDefault, ordersAgree, ...annotationRules(TRIGGER_ANNOTATIONS)],
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        spec,
        status: z
          .object({ ...statusFields, ...resolved('subscriber'), ...resolved('deadLetterSink'), auth: auth.optional() })
          .optional(),
      }),
      transitions: { spec: [immutable('broker', 'brokerRef')] },
      printerColumns: [
        column('Broker', '.spec.broker'),
        column('Subscriber_URI', '.status.subscriberUri'),
        AGE,
        ...READY,
      ],
    },
  ],
}

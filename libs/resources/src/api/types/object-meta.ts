import { z } from 'zod'
import { labelName, subdomainName } from '../../fields.ts'
import { shown } from '../../problem.ts'

const PREFIX = '([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?'
const KEY = new RegExp(`^${PREFIX}[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
const ANNOTATION_KEY = new RegExp(KEY.source, 'i')
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const MAX_ANNOTATION_BYTES = 262_144

const key = (pattern: RegExp) =>
  z.string().refine((text) => text.length <= 317 && pattern.test(text), {
    error: ({ input }) => `must be a name such as "app" or "example.org/app", found ${shown(input)}`,
  })
const labelValue = z.string().refine((text) => LABEL_VALUE.test(text), {
  error: ({ input }) =>
    `must be at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, found ${shown(input)}`,
})
const time = z.iso.datetime({ offset: true, error: 'must be a time in RFC 3339' })

const ownerReference = z.object({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  name: z.string().min(1),
  uid: z.string().min(1),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
})

/** What every object says about itself. Source: Kubernetes, apimachinery pkg/apis/meta/v1, ObjectMeta. */
export const objectMeta = z.object({
  name: z.string().meta({ description: 'Unique within the namespace.' }).optional(),
  generateName: z
    .string()
    .max(253)
    .meta({ description: 'The beginning of a name that the server makes up.' })
    .optional(),
  namespace: labelName.meta({ description: 'Where the object is.' }).optional(),
  labels: z.record(key(KEY), labelValue).meta({ description: 'Texts to select objects by.' }).optional(),
  annotations: z
    .record(key(ANNOTATION_KEY), z.string())
    .refine(
      (all) =>
        Object.entries(all).reduce((sum, [k, v]) => sum + k.length + Buffer.byteLength(v), 0) <= MAX_ANNOTATION_BYTES,
      { error: 'must be at most 262144 bytes in all' },
    )
    .meta({ description: 'Texts for tools.' })
    .optional(),
  uid: z.string().meta({ description: 'Given by the server.' }).optional(),
  resourceVersion: z.string().meta({ description: 'Changes with the object.' }).optional(),
  generation: z.int().meta({ description: 'Rises with each change of spec.', format: 'int64' }).optional(),
  creationTimestamp: time.meta({ format: 'date-time' }).optional(),
  deletionTimestamp: time.meta({ format: 'date-time' }).optional(),
  deletionGracePeriodSeconds: z.int().meta({ format: 'int64' }).optional(),
  ownerReferences: z.array(ownerReference).meta({ description: 'Objects this one goes with.' }).optional(),
  finalizers: z.array(z.string().max(253)).meta({ description: 'Who must agree before it is gone.' }).optional(),
  managedFields: z
    .array(
      z.object({
        manager: z.string().optional(),
        operation: z.string().optional(),
        apiVersion: z.string().optional(),
        time: z.string().optional(),
        fieldsType: z.string().optional(),
        fieldsV1: z.record(z.string(), z.unknown()).optional(),
        subresource: z.string().optional(),
      }),
    )
    .meta({ description: 'Which client wrote which field.' })
    .optional(),
  selfLink: z.string().meta({ description: 'Of the past.' }).optional(),
})

export function nameRule(nameIs: 'label' | undefined): z.ZodType<string> {
  return nameIs === 'label' ? labelName : subdomainName
}

import { z } from 'zod'
import { withRules } from '../rule.ts'

const key = z.string().min(1).max(317)

const requirement = withRules(
  z.object({
    key,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(z.string().max(63)).max(256).optional(),
  }),
  {
    cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    test: ({ operator, values = [] }) => (operator === 'In' || operator === 'NotIn') === values.length > 0,
    message: 'must be there with In and NotIn, and only with those',
    path: ['values'],
  },
)

/** Kubernetes' LabelSelector. Source: apimachinery pkg/apis/meta/v1, validation/validation.go. */
export const labelSelector = z.object({
  matchLabels: z
    .record(z.string(), z.string().max(63))
    .meta({ maxProperties: 64, description: 'Labels and their texts.' })
    .optional(),
  matchExpressions: z.array(requirement).max(64).meta({ description: 'More that has to hold.' }).optional(),
})

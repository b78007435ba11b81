import { z } from 'zod'

/** Written by controllers alone, so nothing is judged but the shape. */
const text = z.string()

const condition = z.object({
  type: text,
  status: z.enum(['True', 'False', 'Unknown']),
  severity: text.optional(),
  reason: text.optional(),
  message: text.optional(),
  lastTransitionTime: text.optional(),
})

/** Knative's duck Status. Source: knative.dev/pkg apis/duck/v1/status_types.go. */
export const statusFields = {
  observedGeneration: z
    .int()
    .meta({ description: 'metadata.generation that the conditions are about.', format: 'int64' })
    .optional(),
  conditions: z.array(condition).meta({ description: 'What holds; Ready sums the others up.' }).optional(),
  annotations: z.record(z.string(), text).meta({ description: 'More about the state.' }).optional(),
}

const address = z.object({
  name: text.optional(),
  url: text.optional(),
  CACerts: text.optional(),
  audience: text.optional(),
})

export const addressFields = {
  address: address.meta({ description: 'Where events are posted to.' }).optional(),
  addresses: z.array(address).meta({ description: 'If present, instead of address.' }).optional(),
  policies: z
    .array(z.object({ apiVersion: text.optional(), name: text.optional() }))
    .meta({ description: 'EventPolicies in force here.' })
    .optional(),
}

/** The three fields a resolved destination has in a status: URI, CAs, audience. */
export function resolved(prefix: 'deadLetterSink' | 'subscriber' | 'reply' | 'sink') {
  return {
    [`${prefix}Uri`]: text.optional(),
    [`${prefix}CACerts`]: text.optional(),
    [`${prefix}Audience`]: text.optional(),
  }
}

export const auth = z.object({
  serviceAccountName: text.optional(),
  serviceAccountNames: z.array(text).optional(),
})

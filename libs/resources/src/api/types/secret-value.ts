import { z } from 'zod'
import { objectName } from './reference.ts'

/** A value that is in a Secret of the same namespace. Source: Kubernetes core/v1 SecretKeySelector. */
export function secretValue(description: string) {
  return z
    .object({
      secretKeyRef: z.object({
        name: objectName.meta({ description: 'Name of the Secret.' }),
        key: z
          .string()
          .regex(/^[-._a-zA-Z0-9]{1,253}$/, { error: 'must be letters, digits, "-", "_" and ".", at most 253' })
          .meta({ description: 'Key in the Secret.' }),
      }),
    })
    .meta({ description })
}

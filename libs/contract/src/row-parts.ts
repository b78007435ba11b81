import { z } from 'zod'

/** What the schemas of rows have in common. */
export const text = z.string().min(1)
export const count = z.int().min(0)
export const named = { uid: text, hash: z.string().default(''), namespace: text, name: text }

/** A bundle of a few hundred authorities. */
const MAX_CA_CERTS_LENGTH = 524_288

export const target = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  internal: z.boolean(),
  caCerts: z.exactOptional(text.max(MAX_CA_CERTS_LENGTH)),
})

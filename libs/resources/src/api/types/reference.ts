import { z } from 'zod'
import { httpUrl } from '../../fields.ts'
import { shown } from '../../problem.ts'
import { mirrored, withRules } from '../rule.ts'

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** A name of another object. Source: Kubernetes, names, DNS subdomains. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(SUBDOMAIN, {
    error: ({ input }) => `must be lower-case letters, digits, "-" and ".", found ${shown(input)}`,
  })

const fields = {
  apiVersion: z.string().min(1).max(253).meta({ description: 'Group and version of the object, such as v1.' }),
  kind: z.string().min(1).max(63).meta({ description: 'Kind of the object, such as Service.' }),
  name: objectName.meta({ description: 'Name of the object.' }),
}
const namespace = z.string().max(63).meta({ description: "The object's namespace; absent: that of the referrer." })

const noGroup = {
  cel: '!has(self.group)',
  test: (self: { readonly group?: unknown }) => self.group === undefined,
  message: 'is not supported: write apiVersion',
  path: ['group'],
  reason: 'FieldValueForbidden' as const,
}

/** Knative's KReference. Source: knative.dev/pkg apis/duck/v1/knative_reference.go, Validate. */
export const reference = withRules(
  z.object({
    ...fields,
    namespace: namespace.optional(),
    group: z.string().max(253).meta({ description: 'Not supported: write apiVersion.' }).optional(),
    address: z
      .string()
      .max(253)
      .meta({ description: 'Name of one of the addresses of the object; absent: its first.' })
      .optional(),
  }),
  noGroup,
)

/** A KReference to an object of the same namespace. */
export const localReference = withRules(
  z.object({
    ...fields,
    namespace: namespace.optional(),
    group: z.string().max(253).meta({ description: 'Not supported: write apiVersion.' }).optional(),
  }),
  noGroup,
  {
    cel: '!has(self.namespace)',
    test: (self) => self.namespace === undefined,
    message: 'must be absent: only objects of the same namespace can be named here',
    path: ['namespace'],
    reason: 'FieldValueForbidden',
  },
)

const PEM = /^\s*-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\s*$/
export const caCerts = z
  .string()
  .max(65_536)
  .regex(PEM, { error: 'must be certificates in PEM' })
  .meta({ description: 'Certification authorities in PEM, added to those that are trusted anyway.' })

const audience = z.string().max(2048).meta({ description: 'OIDC audience of the receiver.' })

const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*:|\/\/)/
const HTTP = /^[hH][tT][tT][pP][sS]?:\/\/[^/?#]/

/** Knative's Destination. Source: knative.dev/pkg apis/duck/v1/destination.go, Validate. */
export const destination = mirrored(
  withRules(
    z.object({
      ref: reference.meta({ description: 'An object that has an address.' }).optional(),
      uri: z.string().max(2048).meta({ description: 'A URL, or beside ref a path relative to its URL.' }).optional(),
      CACerts: caCerts.optional(),
      audience: audience.optional(),
    }),
    {
      cel: 'has(self.ref) || has(self.uri)',
      test: ({ ref, uri }) => ref !== undefined || uri !== undefined,
      message: 'needs a ref or a uri',
      reason: 'FieldValueRequired',
    },
    {
      cel: `!has(self.ref) || !has(self.uri) || !self.uri.matches('${ABSOLUTE.source.replaceAll('\\/', '/')}')`,
      test: ({ ref, uri }) => ref === undefined || uri === undefined || !ABSOLUTE.test(uri),
      message: 'must be relative beside a ref: drop one',
      path: ['uri'],
    },
  ).superRefine(({ ref, uri }, context) => {
    if (ref !== undefined || uri === undefined) return
    for (const { message } of httpUrl.safeParse(uri).error?.issues ?? [])
      context.addIssue({ code: 'custom', path: ['uri'], message })
  }),
  {
    cel: `has(self.ref) || !has(self.uri) || (self.uri.matches('${HTTP.source.replaceAll('\\/', '/')}') && !self.uri.contains('#'))`,
    message: 'uri must be a URL such as "http://host/path", without fragment',
  },
)

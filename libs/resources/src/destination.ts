import { z } from 'zod'
import { httpUrl, labelName, notSupported, optional, subdomainName } from './fields.ts'
import { shown } from './problem.ts'

/** Where events are sent: an object of the folder, a URL, or a path relative to the object's URL. */
export interface Destination {
  readonly ref?: { readonly kind: 'Service' | 'Broker'; readonly namespace: string | undefined; readonly name: string }
  readonly uri?: string
}

const API_VERSIONS = { Service: 'v1', Broker: 'eventing.knative.dev/v1' } as const

const ref = z
  .strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    name: subdomainName,
    namespace: optional(labelName),
    group: notSupported('write apiVersion'),
    address: notSupported('remove it, the only address is used'),
  })
  .superRefine(({ apiVersion, kind }, context) => {
    if (kind !== 'Service' && kind !== 'Broker')
      context.addIssue({
        code: 'custom',
        path: ['kind'],
        message: `${shown(kind)} is not supported yet: refer to a Service (v1) or a Broker, or use uri`,
      })
    else if (apiVersion !== API_VERSIONS[kind])
      context.addIssue({
        code: 'custom',
        path: ['apiVersion'],
        message: `${kind} of ${shown(apiVersion)} is not supported yet: use ${API_VERSIONS[kind]}, or uri`,
      })
  })

/** Knative's Destination. Source: knative.dev/pkg apis/duck/v1/destination.go, Validate. */
export const destination = z
  .strictObject({
    ref: optional(ref),
    uri: optional(z.string()),
    CACerts: notSupported('only the CAs that Node trusts are used (NODE_EXTRA_CA_CERTS)'),
    audience: notSupported('requests carry no token'),
  })
  .superRefine(({ ref, uri }, context) => {
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (ref === undefined && uri === undefined) problem([], 'needs a ref or a uri')
    if (uri === undefined) return
    if (ref === undefined) {
      for (const { message } of httpUrl.safeParse(uri).error?.issues ?? []) problem(['uri'], message)
    } else if (URL.canParse(uri) || uri.startsWith('//')) problem(['uri'], 'must be relative beside a ref: drop one')
    else if (/[#\\]/.test(uri) || uri.length > 2048)
      problem(['uri'], `must be a path such as "/events", found ${shown(uri)}`)
  })
  .transform(
    ({ ref, uri }): Destination => ({
      ...(ref && { ref: { kind: ref.kind as 'Service' | 'Broker', namespace: ref.namespace, name: ref.name } }),
      ...(uri !== undefined && { uri }),
    }),
  )

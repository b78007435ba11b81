import { z } from 'zod'
import { shown } from './problem.ts'

/** Absent, or null as a commented-out block leaves it. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined)
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** Namespaces and Services: at most 63 characters. Source: Kubernetes, names, RFC 1123 labels. */
export const labelName = z.string().refine((name) => name.length <= 63 && LABEL.test(name), {
  error: ({ input }) =>
    `must be lower-case letters, digits and "-", at most 63, beginning and ending with a letter or digit, found ${shown(input)}`,
})

/** Brokers and Triggers: labels joined by dots, at most 253 characters. Source: as above, subdomains. */
export const subdomainName = z.string().refine((name) => name.length <= 253 && SUBDOMAIN.test(name), {
  error: ({ input }) =>
    `must be lower-case letters, digits, "-" and ".", at most 253, each part beginning and ending with a letter or digit, found ${shown(input)}`,
})

/** A URL events can be posted to; what a row must not hold or HTTP would drop is refused. */
export const httpUrl = z.string().superRefine((text, context) => {
  const problem = httpUrlProblem(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

function httpUrlProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (text.length > 2048) return 'must be at most 2048 characters'
  if (url === null || !/^https?:\/\/[^/]/i.test(text))
    return `must be a URL such as "http://host/path", found ${shown(text)}`
  // not shown: a problem is logged
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: rows and logs would show them'
  if (text.includes('#')) return 'must not have a fragment'
  return undefined
}

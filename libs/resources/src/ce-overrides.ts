/** Attributes of the specification itself, and `data`. Source: CloudEvents 1.0. */
export const SPEC_ATTRIBUTES = [
  'id',
  'source',
  'specversion',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
] as const

/** The first name that can't be set over an event's own. Upper case means lower case, as in the SDK of Knative's sources. */
export function extensionsProblem(
  extensions: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly problem: string } | undefined {
  const seen = new Set<string>()
  for (const name of Object.keys(extensions)) {
    const lower = name.toLowerCase()
    if (!/^[A-Za-z0-9]+$/.test(name)) return { name, problem: 'must be letters and digits' }
    if ((SPEC_ATTRIBUTES as readonly string[]).includes(lower))
      return { name, problem: 'is an attribute that every event has: only extensions can be set' }
    if (seen.has(lower)) return { name, problem: 'is there twice, in upper and lower case' }
    seen.add(lower)
  }
  return undefined
}

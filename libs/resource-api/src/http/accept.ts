import { refused } from '../store/refusals.ts'

/** How an answer is to look. `json` and `yaml` are the object as it is; the rest JSON of another shape. */
export type Form = 'json' | 'yaml' | 'Table' | 'PartialObjectMetadata' | 'APIGroupDiscoveryList'

export interface Accepted {
  readonly form: Form
  /** Of the other shape: `v1`, `v2beta1`. */
  readonly version: string
}

const JSON_FORM: Accepted = { form: 'json', version: 'v1' }
/** By what `as` asks for: the group and the versions it is served in. */
const SHAPES: Readonly<Record<string, readonly [Form, string, readonly string[]]>> = {
  Table: ['Table', 'meta.k8s.io', ['v1', 'v1beta1']],
  PartialObjectMetadata: ['PartialObjectMetadata', 'meta.k8s.io', ['v1', 'v1beta1']],
  PartialObjectMetadataList: ['PartialObjectMetadata', 'meta.k8s.io', ['v1', 'v1beta1']],
  APIGroupDiscoveryList: ['APIGroupDiscoveryList', 'apidiscovery.k8s.io', ['v2', 'v2beta1']],
}

/** The first of an Accept header that is served among `forms`; throws NotAcceptable. Weights are not looked at, as in Kubernetes. */
export function accepted(header: string | undefined, forms: readonly Form[]): Accepted {
  if (header === undefined || header.trim() === '') return JSON_FORM
  for (const part of header.split(',')) {
    const found = one(part, forms)
    if (found !== undefined) return found
  }
  const message = 'only the following media types are accepted: application/json, application/yaml'
  throw refused('NotAcceptable', message)
}

function one(part: string, forms: readonly Form[]): Accepted | undefined {
  const [type = '', ...rest] = part.split(';').map((each) => each.trim())
  const parameters = new Map(rest.map((each) => each.split('=', 2) as [string, string]))
  const shape = parameters.get('as')
  if (type === 'application/yaml' && shape === undefined && forms.includes('yaml'))
    return { form: 'yaml', version: 'v1' }
  if (!['application/json', 'application/*', '*/*'].includes(type)) return undefined
  if (shape === undefined) return JSON_FORM
  const [form, group, versions] = SHAPES[shape] ?? []
  const version = parameters.get('v') ?? ''
  const isServed = form !== undefined && forms.includes(form) && parameters.get('g') === group
  return isServed && versions?.includes(version) ? { form, version } : undefined
}

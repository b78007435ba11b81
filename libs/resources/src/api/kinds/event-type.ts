import { z } from 'zod'
import type { Annotation } from '../../annotations.ts'
import { type ApiKind, type ApiObject, type ApiVersion, column, READY } from '../kind.ts'
import { isSame, withRules } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import { reference } from '../types/reference.ts'
import { statusFields } from '../types/status.ts'

const text = () => z.string().max(2048)
const description = text().meta({ description: 'What the events are about.' })
const about = reference.meta({ description: 'Who sends such events, or where they are to be had.' })
const status = z.object(statusFields).optional()

/** CloudEvents attributes every event has, so that every type says something of them. */
const REQUIRED = ['type', 'source', 'specversion', 'id'] as const

const attribute = z.object({
  name: z.string().min(1).max(64).meta({ description: 'Name of the attribute.' }),
  required: z.boolean().meta({ description: 'Whether every such event has it.' }).optional(),
  value: text().meta({ description: 'Its text; {name} stands for anything.' }).optional(),
})

const attributes = withRules(
  z.array(attribute).max(128),
  ...REQUIRED.map((name) => ({
    cel: `self.exists(attribute, attribute.name == '${name}')`,
    test: (self: readonly { readonly name: string }[]) => self.some((each) => each.name === name),
    message: `lacks the attribute "${name}"`,
    reason: 'FieldValueRequired' as const,
  })),
).meta({ description: 'Attributes of the events.' })

const older: Omit<ApiVersion, 'name' | 'storage'> = {
  schema: z.object({
    spec: z.object({
      type: z.string().min(1).max(2048).meta({ description: 'The type of the events.' }),
      source: text().meta({ description: 'Their source.' }).optional(),
      schema: text().meta({ description: 'URL of the schema of their data.' }).optional(),
      schemaData: z.string().max(131_072).meta({ description: 'The schema itself.' }).optional(),
      broker: text().meta({ description: 'Deprecated: use reference.' }).optional(),
      reference: about.optional(),
      description: description.optional(),
    }),
    status,
  }),
  inCluster: false,
  printerColumns: [
    column('Type', '.spec.type'),
    column('Source', '.spec.source'),
    column('Schema', '.spec.schema'),
    column('Reference Name', '.spec.reference.name'),
    column('Reference Kind', '.spec.reference.kind'),
    column('Description', '.spec.description'),
    ...READY,
  ],
}

/** Holds as JSON what a shape has no field for, so that nothing is lost on the way there and back. */
const KEPT = 'sluice.dev/event-type'

const keptFields = z.object({
  schemaData: z.string().optional(),
  broker: z.string().optional(),
  attributes: z.array(attribute).optional(),
})
type Kept = z.output<typeof keptFields>

/** Written by `convert` alone, but it comes back with what clients send. */
const kept: Annotation<Kept> = (text) => {
  const read = keptFields.safeParse(parsed(text))
  return read.success ? { value: read.data } : { problem: 'must be what a conversion wrote: remove it' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Source: knative/eventing pkg/apis/eventing/v1beta3/eventtype_types.go, eventtype_validation.go. */
export const eventType: ApiKind = {
  group: 'eventing.knative.dev',
  kind: 'EventType',
  plural: 'eventtypes',
  singular: 'eventtype',
  shortNames: [],
  categories: ['all', 'knative', 'eventing'],
  scope: 'Namespaced',
  description: 'Says that events of a type are to be had, and where.',
  owner: 'sluice',
  requestRules: annotationRules({ [KEPT]: kept }),
  versions: [
    {
      name: 'v1beta1',
      storage: false,
      ...older,
      deprecationWarning: 'eventing.knative.dev/v1beta1 EventType is deprecated: use v1beta3',
    },
    { name: 'v1beta2', storage: false, ...older },
    {
      name: 'v1beta3',
      storage: true,
      schema: z.object({
        spec: z.object({ reference: about.optional(), description: description.optional(), attributes }),
        status,
      }),
      printerColumns: [
        column('Reference Name', '.spec.reference.name'),
        column('Reference Kind', '.spec.reference.kind'),
        column('Description', '.spec.description'),
        ...READY,
      ],
    },
  ],
  convert,
}

const NEWEST = 'eventing.knative.dev/v1beta3'

interface Older {
  readonly type: string
  readonly source?: string
  readonly schema?: string
  readonly schemaData?: string
  readonly broker?: string
  readonly reference?: unknown
  readonly description?: string
}
type Attribute = z.output<typeof attribute>
interface Newest {
  readonly reference?: unknown
  readonly description?: string
  readonly attributes: readonly Attribute[]
}

/** v1beta1 and v1beta2 have one shape. Knative calls the attribute of `schema` `schemadata`, and so do we. */
function convert(object: ApiObject, version: string): ApiObject {
  const apiVersion = `eventing.knative.dev/${version}`
  if ((object.apiVersion === NEWEST) === (apiVersion === NEWEST)) return { ...object, apiVersion }
  const { [KEPT]: json = '{}', ...annotations } = (object.metadata.annotations ?? {}) as Record<string, string>
  const read = kept(json)
  const back = 'value' in read ? read.value : {}
  const { spec, keep } =
    apiVersion === NEWEST ? toNewest(object.spec as Older, back) : toOlder(object.spec as Newest, back)
  const now = Object.keys(keep).length > 0 ? { ...annotations, [KEPT]: JSON.stringify(keep) } : annotations
  const { annotations: _, ...metadata } = object.metadata
  return {
    ...object,
    apiVersion,
    metadata: { ...metadata, ...(Object.keys(now).length > 0 && { annotations: now }) },
    spec,
  }
}

function toNewest({ type, source, schema, schemaData, broker, reference, ...rest }: Older, back: Kept) {
  const given: readonly Attribute[] = [
    { name: 'type', required: true, value: type },
    { name: 'source', required: true, ...(source !== undefined && { value: source }) },
    { name: 'specversion', required: true },
    { name: 'id', required: true },
    ...(schema === undefined ? [] : [{ name: 'schemadata', required: false, value: schema }]),
  ]
  // what came from the newest shape goes back as it was, but for what the older one changed
  const former = back.attributes ?? []
  const attributes =
    former.length === 0
      ? given
      : [
          ...former.map((each) => merged(each, given)),
          ...given.filter(({ name }) => !former.some((each) => each.name === name)),
        ].filter(({ name }) => name !== 'schemadata' || schema !== undefined)
  const keep = { ...(schemaData !== undefined && { schemaData }), ...(broker !== undefined && { broker }) }
  const owner = reference ?? (broker === undefined ? undefined : brokerNamed(broker))
  return { spec: { ...(owner !== undefined && { reference: owner }), ...rest, attributes }, keep }
}

/** What the deprecated `broker` means. */
function brokerNamed(name: string) {
  return { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name }
}

function merged(former: Attribute, given: readonly Attribute[]): Attribute {
  const now = given.find(({ name }) => name === former.name)
  if (now === undefined || !['type', 'source', 'schemadata'].includes(former.name)) return former
  const { value: _, ...rest } = former
  return { ...rest, ...(now.value !== undefined && { value: now.value }) }
}

function toOlder({ attributes, reference, ...rest }: Newest, back: Kept) {
  const isFromBroker = back.broker !== undefined && isSame(reference, brokerNamed(back.broker))
  const textOf = (name: string) => attributes.find((each) => each.name === name)?.value
  const [type = '', source, schema] = ['type', 'source', 'schemadata'].map(textOf)
  const spec = {
    ...{ type, ...(source !== undefined && { source }), ...(schema !== undefined && { schema }) },
    ...(back.schemaData !== undefined && { schemaData: back.schemaData }),
    ...(back.broker !== undefined && { broker: back.broker }),
    ...(reference !== undefined && !isFromBroker && { reference }),
    ...rest,
  }
  return { spec, keep: { attributes } }
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { API_KINDS, apiTable, apiVersionOf, crdOf, groupVersionPath, openApiDocuments } from '../src/api/index.ts'

const table = apiTable()

test('every file of kinds/ is a kind of the table', () => {
  const files = readdirSync(join(import.meta.dirname, '../src/api/kinds')).map((file) => file.replace('.ts', ''))
  const kinds = API_KINDS.map(({ kind }) => kind.replace(/(?<=.)([A-Z])/g, '-$1').toLowerCase())
  expect(kinds.toSorted()).toEqual(files.toSorted())
})

test('a kind is found by what a manifest says, by what a path says, and nothing else is', () => {
  expect(table.ofKind('eventing.knative.dev/v1', 'Broker')).toBe(table.ofResource('eventing.knative.dev/v1', 'brokers'))
  expect(table.ofKind('v1', 'Service')?.kind.shortNames).toEqual(['svc'])
  expect(table.ofKind('eventing.knative.dev/v2', 'Broker')).toBeUndefined()
  expect(table.ofResource('messaging.knative.dev/v1', 'brokers')).toBeUndefined()
})

describe('a source is found as Knative finds it', () => {
  const sources = API_KINDS.filter(({ group }) => group === 'sources.knative.dev').map(
    (kind) => [kind.kind, kind] as const,
  )

  test.each(sources)('%s: by its label and category, with its types of events as JSON', (_, kind) => {
    const { metadata, spec } = crdOf(kind)
    expect(metadata.labels).toMatchObject({ 'duck.knative.dev/source': 'true' })
    expect(spec.names.categories).toContain('sources')
    const types = JSON.parse(metadata.annotations?.['registry.knative.dev/eventTypes'] ?? '') as { type: string }[]
    expect(types.length).toBeGreaterThan(0)
    for (const { type } of types) expect(type).toMatch(/^dev\.knative\.(sources?|apiserver|kafka).[a-z0-9._]+$/)
  })
})

test('a KafkaSource is scaled by its consumers', () => {
  const kafka = crdOf(API_KINDS.find(({ kind }) => kind === 'KafkaSource') as (typeof API_KINDS)[number])
  for (const { subresources, schema } of kafka.spec.versions) {
    const { spec, status } = schema.openAPIV3Schema.properties ?? {}
    const { scale } = subresources as { scale: Readonly<Record<string, string>> }
    expect(spec?.properties).toHaveProperty(scale.specReplicasPath?.replace('.spec.', '') ?? '')
    for (const path of [scale.statusReplicasPath, scale.labelSelectorPath])
      expect(status?.properties).toHaveProperty(path?.replace('.status.', '') ?? '')
  }
})

describe.each(API_KINDS.map((kind) => [kind.kind, kind] as const))('%s', (_, kind) => {
  test('is kept in one version, which a cluster serves too', () => {
    expect(kind.versions.filter(({ storage }) => storage)).toHaveLength(1)
    expect(table.stored(kind).version.inCluster).not.toBe(false)
  })

  test('names what nobody else of its group does', () => {
    const names = ({ plural, singular, shortNames }: typeof kind) => [...new Set([plural, singular, ...shortNames])]
    const others = API_KINDS.filter((other) => other !== kind && other.group === kind.group).flatMap(names)
    expect(names(kind).filter((name) => others.includes(name))).toEqual([])
  })

  test.each(table.served.filter((each) => each.kind === kind).map((each) => [each.apiVersion, each] as const))(
    'of %s: its schema is structural, and its columns show fields that are there',
    (_, { structural, version }) => {
      expect(faultsOf(structural, '')).toEqual([])
      for (const { jsonPath } of version.printerColumns) {
        const field = jsonPath.split(/[.[]/)[1] ?? ''
        expect(structural.properties).toHaveProperty(field)
        const below = /^\.(spec|status)\.([a-zA-Z]+)/.exec(jsonPath)
        if (below) expect(structural.properties?.[below[1] ?? '']?.properties).toHaveProperty(below[2] ?? '')
      }
    },
  )
})

/** What Kubernetes says of schemas that are not structural, as far as ours could break it. */
function faultsOf(schema: object, path: string): string[] {
  const { type, properties, additionalProperties, items, ...rest } = schema as Record<string, object>
  const isFree = 'x-kubernetes-preserve-unknown-fields' in rest
  const strange = Object.keys(rest).filter((keyword) => !KEYWORDS.has(keyword))
  return [
    ...strange.map((keyword) => `${path} has ${keyword}`),
    ...(type === undefined && !isFree ? [`${path} has no type`] : []),
    ...(properties && additionalProperties ? [`${path} has properties and additionalProperties`] : []),
    ...Object.entries(properties ?? {}).flatMap(([name, field]) => faultsOf(field, `${path}.${name}`)),
    ...(additionalProperties ? faultsOf(additionalProperties, `${path}.*`) : []),
    ...(items ? faultsOf(items, `${path}[]`) : []),
  ]
}

const KEYWORDS = new Set([
  ...[
    'description',
    'required',
    'enum',
    'default',
    'format',
    'pattern',
    'minLength',
    'maxLength',
    'minimum',
    'maximum',
  ],
  ...['minItems', 'maxItems', 'maxProperties', 'x-kubernetes-validations', 'x-kubernetes-preserve-unknown-fields'],
])

test('a cluster gets what it can convert: every version of KafkaChannel, the newest EventType', () => {
  const versionsOf = (name: string) =>
    API_KINDS.filter(({ kind }) => kind === name).flatMap((kind) => crdOf(kind).spec.versions.map((each) => each.name))
  expect(versionsOf('KafkaChannel')).toEqual(['v1beta1', 'v1'])
  expect(versionsOf('EventType')).toEqual(['v1beta3'])
})

describe('OpenAPI documents', () => {
  const documents = openApiDocuments(API_KINDS) as ReadonlyMap<string, Document>
  interface Document {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
    readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
  }
  interface Operation {
    readonly parameters: readonly { readonly name: string }[]
    readonly 'x-kubernetes-group-version-kind': { readonly kind: string }
  }
  interface Schema {
    readonly 'x-kubernetes-group-version-kind'?: readonly { readonly kind: string; readonly version: string }[]
  }

  test.each([...documents])('%s refers to nothing that is not in it', (_, document) => {
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name = '']) => name,
    )
    expect(refs.filter((name) => !Object.hasOwn(document.components.schemas, name))).toEqual([])
  })

  test.each(table.served.map((each) => [`${each.kind.kind} of ${each.apiVersion}`, each] as const))(
    '%s is found as kubectl looks for it: its schema by group, version and kind, its patch with fieldValidation',
    (_, { kind, version }) => {
      const document = documents.get(groupVersionPath(apiVersionOf(kind, version)))
      const schemas = Object.values(document?.components.schemas ?? {})
      const gvk = { group: kind.group, version: version.name, kind: kind.kind }
      expect(schemas.filter((schema) => schema['x-kubernetes-group-version-kind']?.[0]?.kind === kind.kind)).toEqual([
        expect.objectContaining({ 'x-kubernetes-group-version-kind': [gvk] }),
      ])
      const patches = Object.values(document?.paths ?? {})
        .flatMap(({ patch }) => patch ?? [])
        .filter((patch) => patch['x-kubernetes-group-version-kind'].kind === kind.kind)
      expect(patches.length > 0).toBe(kind.isReadOnly !== true)
      for (const { parameters } of patches) expect(parameters.map(({ name }) => name)).toContain('fieldValidation')
    },
  )
})

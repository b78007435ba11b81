import type { ApiKind, ApiVersion, RequestRule } from './kind.ts'
import { apiVersionOf } from './kind.ts'
import { VALIDATIONS } from './rule.ts'
import { type Structural, structuralOf } from './structural.ts'

const MADE = '<!-- Made by `npm run generate` from libs/resources/src/api. Do not edit. -->\n'

/** The reference of every kind and field, as one page of Markdown. */
export function referencePage(kinds: readonly ApiKind[]): string {
  const index = kinds.map(
    (kind) =>
      `| [${kind.kind}](#${kind.kind.toLowerCase()}) | ${versionsOf(kind)} | ${kind.shortNames.join(', ')} | ${kind.description} |`,
  )
  return [
    MADE,
    '# Kinds and fields',
    '',
    'Every kind that the API knows, in the version it is stored in; the same as `kubectl explain <kind> --recursive`.',
    'How manifests are read is said in [manifests](manifests.md). Kinds of Kubernetes itself are there as far as events',
    'need them.',
    '',
    '| kind | versions | short | |',
    '| --- | --- | --- | --- |',
    ...index,
    '',
    ...kinds.map(section),
  ].join('\n')
}

function versionsOf(kind: ApiKind): string {
  return kind.versions.map((version) => `\`${apiVersionOf(kind, version)}\``).join(', ')
}

function section(kind: ApiKind): string {
  const version = kind.versions.find(({ storage }) => storage) as ApiVersion
  const schema = structuralOf(version, kind.description)
  const { apiVersion: _, kind: __, metadata: ___, ...own } = schema.properties ?? {}
  const rows = Object.entries(own).flatMap(([name, field]) => rowsOf(name, field, schema.required?.includes(name)))
  const never = Object.values(version.transitions ?? {})
    .flat()
    .map(({ message }) => `- ${message}.`)
  const rules = (kind.requestRules ?? []).flatMap(ruleOf)
  return [
    `## ${kind.kind}`,
    '',
    `${kind.description} \`${apiVersionOf(kind, version)}\`, ${kind.scope === 'Cluster' ? 'in no namespace' : 'in a namespace'}.`,
    '',
    ...(rows.length === 0 ? [] : ['| field | type | |', '| --- | --- | --- |', ...rows, '']),
    ...(never.length === 0 ? [] : [...never, '']),
    ...(rules.length === 0 ? [] : ['Annotations:', '', ...rules, '']),
  ].join('\n')
}

function rowsOf(path: string, schema: Structural, isRequired = false): string[] {
  const { items, properties, additionalProperties } = schema
  const rules = (schema[VALIDATIONS] ?? []).map(({ message }) => message)
  const said = [
    isRequired ? 'Required.' : '',
    schema.description ?? '',
    schema.default === undefined || isEmpty(schema.default) ? '' : `Default \`${JSON.stringify(schema.default)}\`.`,
    boundsOf(schema),
    rules.length === 0 ? '' : `Rules: ${rules.join('; ')}.`,
  ]
  const row = `| \`${path}\` | ${typeOf(schema)} | ${cell(said.filter((each) => each !== '').join(' '))} |`
  const below = items === undefined ? { path, schema } : { path: `${path}[]`, schema: items }
  const inner = items?.properties ?? properties ?? additionalProperties?.properties ?? {}
  const prefix = additionalProperties?.properties ? `${path}.*` : below.path
  const required = below.schema.required ?? additionalProperties?.required
  return [
    row,
    ...Object.entries(inner).flatMap(([name, field]) => rowsOf(`${prefix}.${name}`, field, required?.includes(name))),
  ]
}

function typeOf({ type, items, additionalProperties, ...rest }: Structural): string {
  if (items !== undefined) return `list of ${typeOf(items)}`
  if (additionalProperties !== undefined) return `map of ${typeOf(additionalProperties)}`
  const values = rest.enum as readonly unknown[] | undefined
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(' or ')
  return type ?? 'anything'
}

function boundsOf({ minimum, maximum, minLength, maxLength, maxItems }: Structural): string {
  const bounds = [
    minimum === undefined ? '' : `at least ${minimum}`,
    maximum === undefined ? '' : `at most ${maximum}`,
    minLength === undefined ? '' : `at least ${minLength} characters`,
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
    maxItems === undefined ? '' : `at most ${maxItems} items`,
  ].filter((bound) => bound !== '')
  return bounds.length === 0 ? '' : `${bounds.join(', ').replace(/^./, (first) => first.toUpperCase())}.`
}

/** One line per annotation that is known by name. */
function ruleOf({ path, message }: RequestRule): string[] {
  const name = path[2]
  if (name === undefined) return []
  const said = message.startsWith(name) ? message.slice(name.length).trim() : message
  return [`- \`${name}\`${said === '' ? '' : `: ${cell(said)}.`}`]
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
}

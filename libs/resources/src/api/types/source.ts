import { z } from 'zod'
import { extensionsProblem, SPEC_ATTRIBUTES } from '../../ce-overrides.ts'
import { column, type PrinterColumn } from '../kind.ts'
import { mirrored } from '../rule.ts'
import { destination } from './reference.ts'
import { auth, resolved, statusFields } from './status.ts'

const NAME = '^[A-Za-z0-9]+$'

/** Names are judged one by one by the API, so that the problem names the one. */
const extensions = mirrored(
  z
    .record(z.string(), z.string().max(4096))
    .meta({ maxProperties: 64, description: 'Extensions and their texts, set over what the source sets.' })
    .superRefine((given, context) => {
      const problem = extensionsProblem(given)
      if (problem !== undefined)
        context.addIssue({ code: 'custom', path: [problem.name], message: problem.problem, params: { at: 'key' } })
    }),
  {
    cel: `self.all(name, name.matches('${NAME}') && !name.matches('^(?i:${SPEC_ATTRIBUTES.join('|')})$'))`,
    message: 'an extension is letters and digits, and no attribute that every event has',
  },
)

/** Knative's SourceSpec. Source: knative.dev/pkg apis/duck/v1/source_types.go, Validate. */
export const sourceSpec = {
  sink: destination.meta({ description: 'Gets the events.' }),
  ceOverrides: z
    .object({ extensions: extensions.optional() })
    .meta({ description: 'What events have besides.' })
    .optional(),
}

const text = z.string()

/** Knative's SourceStatus. Source: as above. */
export const sourceStatus = {
  ...statusFields,
  ...resolved('sink'),
  ceAttributes: z
    .array(z.object({ type: text.optional(), source: text.optional() }))
    .meta({ description: 'Types and sources of its events.' })
    .optional(),
  auth: auth.optional(),
}

export const SINK_COLUMN: PrinterColumn = column('Sink', '.status.sinkUri')
export const SOURCE_CATEGORIES = ['all', 'knative', 'sources']

/** By these, tools and controllers of Knative's find that a kind is a source, and what events it has. */
export function sourceLabels(): Readonly<Record<string, string>> {
  return { 'duck.knative.dev/source': 'true', 'eventing.knative.dev/source': 'true' }
}

export function eventTypesAnnotation(types: readonly { type: string; description?: string }[]) {
  return { 'registry.knative.dev/eventTypes': JSON.stringify(types) }
}

import { z } from 'zod'
import { AGE, type ApiKind, type ApiObject, column, type RequestRule } from '../kind.ts'
import { base64, dataKey, dataRules } from '../types/data.ts'

/** stringData is for writing only: it becomes data. */
function prepare({ stringData, ...object }: ApiObject): ApiObject {
  const type = object.type ?? 'Opaque'
  if (stringData === undefined || stringData === null) return { ...object, type }
  const { data } = object
  // what is no map stays, for the schema to refuse
  if (!isMap(stringData)) return { ...object, type, stringData }
  if (!isMap(data ?? {})) return { ...object, type }
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    typeof text === 'string' ? Buffer.from(text).toString('base64') : text,
  ])
  return { ...object, type, data: { ...(data as object | undefined), ...Object.fromEntries(encoded) } }
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const typeIsImmutable: RequestRule = {
  cel: undefined,
  path: ['type'],
  message: '',
  problem: ({ object, oldObject }) =>
    oldObject === undefined || object.type === oldObject.type ? undefined : 'Immutable fields changed: type',
}

/** Source: Kubernetes core/v1 Secret. */
export const secret: ApiKind = {
  group: '',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  description: 'Bytes by name that are nobody else’s business.',
  owner: 'kubernetes',
  requestRules: [...dataRules('data'), typeIsImmutable],
  prepare,
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        data: z.record(dataKey, base64).meta({ description: 'Bytes in base64.' }).optional(),
        stringData: z.record(dataKey, z.string()).meta({ description: 'Texts to be written into data.' }).optional(),
        type: z.string().max(253).meta({ description: 'What reads it.' }).optional(),
        immutable: z.boolean().meta({ description: 'Nothing of it changes any more.' }).optional(),
      }),
      printerColumns: [column('Type', '.type'), AGE],
    },
  ],
}

import { PING_TYPE } from '@sluice/contract'
import { z } from 'zod'
import { PING_ANNOTATIONS } from '../../source-annotations.ts'
import { DEFAULT_SCHEDULE, dataProblem, scheduleProblem, timezoneProblemOf } from '../../source-fields.ts'
import { AGE, type ApiKind, type ApiVersion, column, READY } from '../kind.ts'
import { mirrored, withRules } from '../rule.ts'
import { annotationRules } from '../types/annotations.ts'
import {
  eventTypesAnnotation,
  SINK_COLUMN,
  SOURCE_CATEGORIES,
  sourceLabels,
  sourceSpec,
  sourceStatus,
} from '../types/source.ts'

const MAX_DATA_LENGTH = 1_048_576
/** As far as CEL can say; the fields themselves are read by the API and the controller. */
const SCHEDULE =
  '^ *$|^ *((CRON_)?TZ=[^ ]+ +)?(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[^@ ][^ ]*( +[^@ ]+){4,5}) *$'
const TOKEN = '[A-Za-z0-9!#$&^_.+-]+'
const MEDIA_TYPE = `^$|^${TOKEN}/${TOKEN} *(;[ -~]*)?$`
const BASE64 = '^[A-Za-z0-9+/]*={0,2}$'

const judged = (problemOf: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const problem = problemOf(text)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })

const spec = withRules(
  z.object({
    schedule: mirrored(judged(scheduleProblem), {
      cel: `self.matches('${SCHEDULE}')`,
      message: 'must be a schedule of 5 fields, or 6 with seconds first, or one such as @daily',
    })
      .default(DEFAULT_SCHEDULE)
      .meta({ description: 'When, as cron has it: five fields, or six with seconds first, or one such as @daily.' }),
    timezone: judged(timezoneProblemOf)
      .meta({ description: 'Whose clock the schedule is by, such as Europe/Berlin; absent: UTC.' })
      .optional(),
    contentType: withRules(z.string().max(1024), {
      cel: `self.matches('${MEDIA_TYPE}')`,
      test: (text) => new RegExp(MEDIA_TYPE).test(text),
      message: 'must be a media type, such as application/json',
    })
      .meta({ description: 'The datacontenttype of the events.' })
      .optional(),
    data: z.string().max(MAX_DATA_LENGTH).meta({ description: 'The data of the events, as text.' }).optional(),
    dataBase64: withRules(z.string().max(MAX_DATA_LENGTH), {
      cel: `size(self) % 4 == 0 && self.matches('${BASE64}')`,
      test: (text) => text.length % 4 === 0 && new RegExp(BASE64).test(text),
      message: 'must be base64',
    })
      .meta({ description: 'The data of the events, in base64; instead of data.' })
      .optional(),
    ...sourceSpec,
  }),
  {
    cel: "!has(self.data) || self.data == '' || !has(self.dataBase64) || self.dataBase64 == ''",
    test: ({ data, dataBase64 }) => !data || !dataBase64,
    message: 'is beside data: drop one',
    path: ['dataBase64'],
    reason: 'FieldValueForbidden',
  },
  {
    cel: "!has(self.timezone) || self.timezone == '' || !self.schedule.matches('^ *(CRON_)?TZ=')",
    test: ({ timezone, schedule }) => !timezone || !/^ *(CRON_)?TZ=/.test(schedule),
    message: 'is said by the schedule too: drop one',
    path: ['timezone'],
  },
).superRefine((given, context) => {
  const found = dataProblem(given)
  if (found !== undefined) context.addIssue({ code: 'custom', path: [found.field], message: found.problem })
})

const version: Omit<ApiVersion, 'name' | 'storage'> = {
  schema: z.object({ spec, status: z.object(sourceStatus).optional() }),
  printerColumns: [SINK_COLUMN, column('Schedule', '.spec.schedule'), AGE, ...READY],
}

/** Source: knative/eventing pkg/apis/sources/v1/ping_types.go, ping_validation.go. */
export const pingSource: ApiKind = {
  group: 'sources.knative.dev',
  kind: 'PingSource',
  plural: 'pingsources',
  singular: 'pingsource',
  shortNames: [],
  categories: SOURCE_CATEGORIES,
  scope: 'Namespaced',
  description: 'Sends the same event at the times of a schedule.',
  owner: 'sluice',
  labels: sourceLabels(),
  annotations: eventTypesAnnotation([{ type: PING_TYPE, description: 'A time of the schedule has come.' }]),
  requestRules: annotationRules(PING_ANNOTATIONS),
  versions: [
    { name: 'v1beta2', storage: false, ...version },
    { name: 'v1', storage: true, ...version },
  ],
}

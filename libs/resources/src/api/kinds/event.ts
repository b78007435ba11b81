import { z } from 'zod'
import { type ApiKind, column } from '../kind.ts'

const text = () => z.string().max(2048).optional()
const time = (description: string) => z.string().meta({ format: 'date-time', description }).optional()
const object = z.object({
  apiVersion: text(),
  kind: text(),
  namespace: text(),
  name: text(),
  uid: text(),
  resourceVersion: text(),
  fieldPath: text(),
})

/** What happened to an object, for `kubectl describe`. Source: Kubernetes core/v1 Event. */
export const event: ApiKind = {
  group: '',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  scope: 'Namespaced',
  description: 'Something that happened to an object.',
  owner: 'kubernetes',
  versions: [
    {
      name: 'v1',
      storage: true,
      schema: z.object({
        involvedObject: object.meta({ description: 'To whom it happened.' }),
        related: object.optional(),
        reason: z.string().max(128).meta({ description: 'What happened, in one word.' }).optional(),
        message: z.string().max(1024).meta({ description: 'What happened, in a sentence.' }).optional(),
        type: z.string().max(64).meta({ description: 'Normal or Warning.' }).optional(),
        action: text(),
        source: z.object({ component: text(), host: text() }).optional(),
        reportingComponent: text(),
        reportingInstance: text(),
        count: z.int32().meta({ description: 'How often.' }).optional(),
        firstTimestamp: time('When first.'),
        lastTimestamp: time('When last.'),
        eventTime: time('When.'),
        series: z.object({ count: z.int32().optional(), lastObservedTime: time('When last.') }).optional(),
      }),
      printerColumns: [
        { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp' },
        column('Type', '.type'),
        column('Reason', '.reason'),
        column('Object', '.involvedObject.name'),
        column('Message', '.message'),
      ],
    },
  ],
}

import { checkQuery, limitOf } from '@sluice/errors'
import { type ExplainDeps, explainEvent } from './explain-event.ts'

/** Filters do not see data, so that an event of any size can be asked about without it. */
const MAX_BODY_BYTES = 1_048_576

/** `POST /explain/<namespace>/<broker>` with one event. Parameters: `trigger`, `after`, `limit`. */
export function explainRoute(deps: ExplainDeps) {
  return {
    method: 'POST',
    path: '/explain/:namespace/:broker',
    access: { verb: 'read', resource: 'triggers' },
    maxBodyBytes: MAX_BODY_BYTES,
    answer: ({ path: { namespace = '', broker = '' }, query, rawHeaders, body }: Request) =>
      explainEvent({ namespace, broker, rawHeaders, body, ...parametersOf(query) }, deps),
  } as const
}

/** What the control port hands over. */
interface Request {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly rawHeaders: readonly string[]
  readonly body: Buffer | undefined
}

function parametersOf(query: URLSearchParams) {
  checkQuery(query, ['trigger', 'after', 'limit'])
  return {
    trigger: query.get('trigger') ?? undefined,
    after: query.get('after') ?? undefined,
    limit: limitOf(query),
  }
}

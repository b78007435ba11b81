import { GenericError, MultipleErrors, NetworkError, TimeoutError } from '@platformatic/kafka'
import { RequestError, UnansweredError } from '../request-error.ts'

/** A rejection of the client as one of ours, if a broker refused. */
export async function asked<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    const types = [...typesOf(error)]
    if (types.length > 0) throw new RequestError(textOf(error), types, error)
    if (error instanceof TimeoutError) throw new UnansweredError(textOf(error), error)
    throw error instanceof GenericError || error instanceof MultipleErrors
      ? new Error(textOf(error), { cause: error })
      : error
  }
}

/** Whether a connection, and not what it brought, was the matter. */
export function isOfConnection(error: unknown): boolean {
  return error instanceof NetworkError || error instanceof TimeoutError
}

const DEPTH = 5

interface Rejection {
  readonly message?: string
  readonly apiId?: string
  readonly cause?: Rejection
  readonly errors?: readonly Rejection[]
}

function* typesOf(error: unknown, depth = 0): Generator<string> {
  if (depth > DEPTH || error === undefined || error === null) return
  const { apiId, errors = [], cause } = error as Rejection
  if (apiId !== undefined) yield apiId
  for (const each of errors) yield* typesOf(each, depth + 1)
  yield* typesOf(cause, depth + 1)
}

/** From the outermost words, which say what was asked, to the innermost, which say why not. */
function textOf(error: unknown): string {
  const texts: string[] = []
  let each = error as Rejection | undefined
  for (let depth = 0; each !== undefined && each !== null && depth < DEPTH; depth++) {
    if (each.message !== undefined && each.message !== '') texts.push(each.message.replace(/\.$/, ''))
    each = each.errors?.[0] ?? each.cause
  }
  return texts.join(': ')
}

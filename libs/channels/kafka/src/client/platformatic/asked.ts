import { GenericError, MultipleErrors, NetworkError, ProtocolError, TimeoutError } from '@platformatic/kafka'
import { RequestError } from '../request-error.ts'

/** A rejection of the client as one of ours, if a broker refused. */
export async function asked<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    const types = [...typesOf(error)]
    if (types.length > 0) throw new RequestError(textOf(error), types, error)
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

function* typesOf(error: unknown, depth = 0): Generator<string> {
  if (depth > DEPTH || !(error instanceof Error)) return
  if (error instanceof ProtocolError) yield (error as unknown as { apiId: string }).apiId
  if (error instanceof AggregateError) for (const each of error.errors) yield* typesOf(each, depth + 1)
  yield* typesOf(error.cause, depth + 1)
}

/** The innermost words: what is around them says which request it was. */
function textOf(error: unknown): string {
  const texts: string[] = []
  let each: unknown = error
  for (let depth = 0; each instanceof Error && depth < DEPTH; depth++) {
    if (each.message !== '') texts.push(each.message)
    each = each instanceof AggregateError ? (each.errors[0] ?? each.cause) : each.cause
  }
  return texts.join(': ')
}

import { badRequest } from './refusals.ts'

/** Where a list goes on: `rv` holds for all its pages, `start` is the first key of the next. Source: Kubernetes' storage.EncodeContinue. */
export interface Continue {
  readonly rv: number
  readonly start: string
}

const VERSION = 'meta.k8s.io/v1'

export function encodeContinue({ rv, start }: Continue): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv, start })).toString('base64url')
}

/** Throws BadRequest. */
export function decodeContinue(token: string): Continue {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>
    if (v === VERSION && Number.isSafeInteger(rv) && (rv as number) > 0 && typeof start === 'string')
      return { rv: rv as number, start }
  } catch {
    // told below
  }
  throw badRequest('continue key is not valid: it must be the one of the page before, unchanged')
}

/** A resourceVersion that a client sent; undefined: any will do (absent, empty, 0). Throws BadRequest. */
export function resourceVersionOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '0') return undefined
  const rv = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(rv)) return rv
  throw badRequest(
    `Invalid value: ${JSON.stringify(text.slice(0, 40))}: resourceVersion must be a number that the API gave`,
  )
}

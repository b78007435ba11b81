import { EventingError } from './eventing-error.ts'

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'this user may not listen on that port'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['EAI_AGAIN', 'the host name could not be resolved'],
  ['ENOTFOUND', 'there is no such host name'],
])

/** What a failed `listen` means in our codes: PORT_IN_USE, ADDRESS_UNUSABLE, or the error itself. */
export function listenFailure(error: unknown, host: string, port: number): unknown {
  const nativeCode = (error as { code?: unknown } | null)?.code
  if (nativeCode === 'EADDRINUSE') {
    const message = `port ${port} on ${host} is in use by another process`
    return new EventingError({ code: 'PORT_IN_USE', host, port }, message, { cause: error })
  }
  const reason = typeof nativeCode === 'string' ? REASONS.get(nativeCode) : undefined
  if (reason === undefined) return error
  const message = `can't listen on ${host}, port ${port}: ${reason}`
  return new EventingError({ code: 'ADDRESS_UNUSABLE', host, port, reason }, message, { cause: error })
}

import { EventingError } from '@sluice/errors'

const SHOWN_CHARACTERS = 60

export type EventInvalid = EventingError<{ code: 'EVENT_INVALID'; problem: string }>

/** The one error of this package: `problem` is complete, printable ASCII, and safe to send back to the producer. */
export function invalid(problem: string): EventInvalid {
  return new EventingError({ code: 'EVENT_INVALID', problem }, problem)
}

/** A value for a message: quoted, cut to 60 characters, everything outside printable ASCII escaped. */
export function shown(value: unknown): string {
  if (typeof value !== 'string') return typeof value === 'object' ? typeOf(value) : String(value)
  const cut = value.length > SHOWN_CHARACTERS
  const ascii = JSON.stringify(cut ? value.slice(0, SHOWN_CHARACTERS) : value).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return cut ? `${ascii}...` : ascii
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : 'an object'
}

/** What is wrong with the name of a time zone; undefined: nothing. Offsets such as `+01:00` are no names of zones. */
export function timezoneProblem(name: string): string | undefined {
  try {
    if (/^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name })) return undefined
  } catch {}
  return `must be a time zone such as "Europe/Berlin" or "UTC", found ${JSON.stringify(name)}`
}

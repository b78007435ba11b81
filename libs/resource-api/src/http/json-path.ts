type Step = string | { readonly field: string; readonly value: string }

/** `.a.b\.c`, `.list[?(@.type=="Ready")].status`: what our printer columns are written in. Undefined: nothing is there. */
export function valueAt(object: unknown, path: string): unknown {
  let value: unknown = object
  for (const step of stepsOf(path)) {
    if (typeof value !== 'object' || value === null) return undefined
    if (typeof step === 'string') value = Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined
    else value = Array.isArray(value) ? value.find((each) => Object(each)[step.field] === step.value) : undefined
  }
  return value
}

function stepsOf(path: string): readonly Step[] {
  return [...path.matchAll(/\[\?\(@\.(\w+)\s*==\s*["']([^"']*)["']\)\]|\.?((?:\\.|[^.[\\])+)/g)].map(
    ([, field, value, name]): Step =>
      field === undefined ? (name as string).replace(/\\(.)/g, '$1') : { field, value: value ?? '' },
  )
}

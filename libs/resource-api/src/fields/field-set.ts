/**
 * A set of paths as a tree: by step `f:name`, `k:{"type":"Ready"}` or `v:"x"`. Source: Kubernetes, FieldsV1, and
 * sigs.k8s.io/structured-merge-diff fieldpath.
 */
export interface FieldSet {
  /** The path that ends here is in the set. */
  readonly isMember: boolean
  readonly children: ReadonlyMap<string, FieldSet>
}

type FieldsV1 = { readonly [step: string]: FieldsV1 }

const NO_CHILDREN: ReadonlyMap<string, FieldSet> = new Map()
export const NOTHING: FieldSet = { isMember: false, children: NO_CHILDREN }
export const LEAF: FieldSet = { isMember: true, children: NO_CHILDREN }
/** No object of the API is deeper. */
const MAX_DEPTH = 200

export function isEmpty({ isMember, children }: FieldSet): boolean {
  return !isMember && children.size === 0
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b
  if (isEmpty(b)) return a
  const children = new Map(a.children)
  for (const [step, child] of b.children) children.set(step, union(children.get(step) ?? NOTHING, child))
  return { isMember: a.isMember || b.isMember, children }
}

/** What is in `a` and not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return pick(a, b, (inA, inB) => inA && !inB)
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return pick(a, b, (inA, inB) => inA && inB)
}

function pick(a: FieldSet, b: FieldSet, isIn: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const children = new Map<string, FieldSet>()
  for (const [step, child] of a.children) {
    const picked = pick(child, b.children.get(step) ?? NOTHING, isIn)
    if (!isEmpty(picked)) children.set(step, picked)
  }
  return { isMember: isIn(a.isMember, b.isMember), children }
}

export function unionOf(sets: readonly FieldSet[]): FieldSet {
  return sets.reduce(union, NOTHING)
}

/** The paths of the members, as conflicts name them: `.spec.delivery.retry`, `.status.conditions[type="Ready"].status`. */
export function pathsOf({ isMember, children }: FieldSet, path = ''): string[] {
  const below = [...children].flatMap(([step, child]) => pathsOf(child, path + shown(step)))
  return isMember && path !== '' ? [path, ...below] : below
}

function shown(step: string): string {
  const [kind, text] = [step.slice(0, 2), step.slice(2)]
  if (kind === 'f:') return `.${text}`
  if (kind === 'v:') return `[=${text}]`
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
}

export function toFieldsV1({ isMember, children }: FieldSet): FieldsV1 {
  const steps = [...children].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    ...(isMember && children.size > 0 && { '.': {} }),
    ...Object.fromEntries(steps.map(([step, child]) => [step, toFieldsV1(child)])),
  }
}

/** What can't be read is left out: a client may have written it. */
export function fromFieldsV1(given: unknown, depth = 0): FieldSet {
  if (typeof given !== 'object' || given === null || Array.isArray(given) || depth > MAX_DEPTH) return NOTHING
  const entries = Object.entries(given)
  const children = new Map(
    entries.filter(([step]) => isStep(step)).map(([step, child]) => [step, fromFieldsV1(child, depth + 1)] as const),
  )
  return { isMember: depth > 0 && (entries.length === 0 || Object.hasOwn(given, '.')), children }
}

function isStep(step: string): boolean {
  if (step.startsWith('f:')) return true
  if (!step.startsWith('k:') && !step.startsWith('v:')) return false
  try {
    const read: unknown = JSON.parse(step.slice(2))
    return step.startsWith('v:') || (typeof read === 'object' && read !== null)
  } catch {
    return false
  }
}

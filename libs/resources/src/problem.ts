/** One thing wrong with a manifest. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly problem: string
}

/** `file:line:col: path: problem`, the form editors and terminals jump to. */
export function formatProblem({ file, line, column, path, problem }: Problem): string {
  return `${file}:${line}:${column}: ${path}: ${problem}`
}

/** `spec.filters[0].exact["a/b"]`; the document itself is `(document)`. */
export function formatPath(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`
    const key = String(step)
    return /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${shown(key)}]`
  })
  return steps.join('').replace(/^\./, '') || '(document)'
}

/** A value for a message: short, on one line. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  const text = typeof value === 'string' && value.length > 80 ? `${value.slice(0, 80)}…` : value
  return JSON.stringify(text)
}

/** The steps of a path as `formatPath` writes it, or as Kubernetes does; what can't be read ends it. */
export function parsePath(text: string): readonly PropertyKey[] {
  const steps: PropertyKey[] = []
  const step =
    /\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")\]|\[([^\]]*)\]/uy
  for (let match = step.exec(text); match !== null; match = step.exec(text)) {
    const [, name, index, quoted, bare] = match
    if (index !== undefined) steps.push(Number(index))
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string)
    else steps.push((name ?? bare) as string)
  }
  return steps
}

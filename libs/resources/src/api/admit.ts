import type { z } from 'zod'
import { type Finding, findings } from '../issues.ts'
import { formatPath } from '../problem.ts'
import type { AdmissionRequest, ApiKind, ApiObject, ApiVersion, RequestRule } from './kind.ts'
import { shape } from './shape.ts'
import type { Structural } from './structural.ts'
import { nameRule, objectMeta } from './types/object-meta.ts'

/** Why a field is refused. Source: Kubernetes, metav1 CauseType. */
export type CauseReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTypeInvalid'

export interface Cause {
  readonly reason: CauseReason
  /** `spec.filters[0].exact`. */
  readonly field: string
  readonly message: string
}

export interface AdmitInput {
  /** What is to be stored; with its name, if need be a made up one. */
  readonly object: ApiObject
  /** What is stored; absent: the object is new. In the version of `object`. */
  readonly oldObject?: ApiObject
  /** Whether who asks may update a subresource that exists for RBAC alone. Absent: no. */
  readonly mayUpdate?: (subresource: string) => boolean
}

export interface Admission {
  /** In shape: unknown fields pruned, defaults filled in. */
  readonly object: ApiObject
  /** Paths of what was pruned: an error, a warning or nothing, as the request's fieldValidation says. */
  readonly unknownFields: readonly string[]
  /** The same as steps, for who has to find them in a file. */
  readonly unknownPaths: readonly (readonly PropertyKey[])[]
  /** Empty: the object may be stored. Every problem, not the first. */
  readonly causes: readonly Cause[]
  /** The same, before they are words of Kubernetes. */
  readonly findings: readonly Finding[]
}

interface Served {
  readonly metaStructural: Structural
  readonly kind: ApiKind
  readonly version: ApiVersion
  readonly structural: Structural
}

/** Judges an object as a cluster with our CRDs and policies would, and a little more: what CEL can't say is said here. */
export function admit({ kind, version, structural, metaStructural }: Served, input: AdmitInput): Admission {
  const { oldObject, mayUpdate = () => false } = input
  const ofMetadata = { nulls: 'absent', path: ['metadata'] } as const
  const nulls = kind.owner === 'kubernetes' ? 'absent' : 'refused'
  const shaped = shape(kind.prepare?.(input.object) ?? input.object, structural, { nulls })
  const shapedMeta = shape((shaped.value as ApiObject).metadata ?? {}, metaStructural, ofMetadata)
  const object = { ...(shaped.value as ApiObject), metadata: shapedMeta.value as ApiObject['metadata'] }
  const metadata = objectMeta.safeParse(object.metadata)
  const name = nameRule(kind.nameIs).safeParse(object.metadata?.name)
  const body = version.schema.safeParse(object)
  const found: Finding[] = [
    ...shaped.nulls.map((path): Finding => ({ path, at: 'value', problem: 'must not be null: remove it' })),
    ...findings(errorOf(name), object.metadata?.name).map((each) => ({ ...each, path: ['metadata', 'name'] })),
    ...findings(errorOf(metadata), object.metadata).map((each) => ({ ...each, path: ['metadata', ...each.path] })),
    ...findings(errorOf(body), object),
  ]
  const request = { object, mayUpdate, ...(oldObject && { oldObject }) }
  const all = [
    ...found,
    ...(metadata.success ? (kind.requestRules ?? []).flatMap((rule) => objections(rule, request)) : []),
    ...changes(version, structural, object, oldObject),
  ]
  const unknownPaths = [...shaped.unknown, ...shapedMeta.unknown]
  return { object, unknownFields: unknownPaths.map(formatPath), unknownPaths, causes: all.map(causeOf), findings: all }
}

function causeOf({ path, problem, reason }: Finding): Cause {
  return {
    reason: (reason as CauseReason | undefined) ?? 'FieldValueInvalid',
    field: formatPath(path),
    message: problem,
  }
}

function objections({ path, problem }: RequestRule, request: AdmissionRequest): Finding[] {
  const found = problem(request) ?? []
  const all = typeof found === 'string' ? [{ problem: found }] : found
  return all.map((each) => ({ path: each.path ?? path, at: each.isName ? 'key' : 'value', problem: each.problem }))
}

/** Defaults are filled into the old object as well, as Kubernetes does when it reads it. */
function changes(
  { transitions = {} }: ApiVersion,
  structural: Structural,
  object: ApiObject,
  oldObject: ApiObject | undefined,
): Finding[] {
  if (oldObject === undefined) return []
  const old = shape(oldObject, structural, { nulls: 'absent' }).value as ApiObject
  return Object.entries(transitions).flatMap(([field, rules]) => {
    const [now, before] = [object[field], old[field]]
    if (!isMap(now) || !isMap(before)) return []
    return rules
      .filter(({ test }) => !test(now, before))
      .map(({ message }): Finding => ({ path: [field], at: 'value', problem: message }))
  })
}

function errorOf(result: z.ZodSafeParseResult<unknown>): z.ZodError {
  return result.error ?? NO_ERROR
}
const NO_ERROR = { issues: [] as z.core.$ZodIssue[] } as unknown as z.ZodError

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

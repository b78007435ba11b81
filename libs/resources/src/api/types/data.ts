import { z } from 'zod'
import type { ApiObject, RequestRule } from '../kind.ts'
import { isSame } from '../rule.ts'

const MAX_BYTES = 1_048_576

/** Source: Kubernetes, apimachinery validation, IsConfigMapKey. */
export const dataKey = z
  .string()
  .refine((key) => /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && !key.startsWith('..'), {
    error: 'must be letters, digits, "-", "_" and ".", at most 253, and not begin with ".."',
  })

// the value is not shown: it may be a secret
export const base64 = z.string().refine((text) => /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text), { error: 'must be base64' })

/** What is no text is refused by the schema. */
function textsOf(map: unknown): Readonly<Record<string, string>> {
  if (typeof map !== 'object' || map === null) return {}
  return Object.fromEntries(Object.entries(map).filter(([, text]) => typeof text === 'string'))
}

/** Kinds whose content is data by key: at most 1 MiB, a key in one map only, nothing changes once immutable. */
export function dataRules(...maps: readonly string[]): readonly RequestRule[] {
  const mapsOf = (object: ApiObject | undefined) => maps.map((map) => textsOf(object?.[map]))
  const rule = (path: string, problem: RequestRule['problem']): RequestRule => ({
    cel: undefined,
    path: [path],
    message: '',
    problem,
  })
  return [
    rule(maps[0] ?? '', ({ object }) => {
      const bytes = mapsOf(object)
        .flatMap((map) => Object.values(map))
        .reduce((sum, text) => sum + Buffer.byteLength(text), 0)
      return bytes <= MAX_BYTES ? undefined : `must be at most ${MAX_BYTES} bytes in all`
    }),
    rule(maps.at(-1) ?? '', ({ object }) => {
      const [data = {}, other = {}] = mapsOf(object)
      const twice = Object.keys(data).find((key) => Object.hasOwn(other, key))
      return twice === undefined ? undefined : `has the key ${JSON.stringify(twice)} that ${maps[0]} has too`
    }),
    rule('immutable', ({ object, oldObject }) => {
      if (oldObject?.immutable !== true) return undefined
      const isUnchanged = object.immutable === true && isSame(mapsOf(object), mapsOf(oldObject))
      return isUnchanged
        ? undefined
        : 'Immutable fields changed: the object is immutable, delete it and create it again'
    }),
  ]
}

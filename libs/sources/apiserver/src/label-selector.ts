import type { LabelSelector } from '@sluice/contract'

/** The parameter `labelSelector` of a request; empty: everything. The same for selectors that say the same in another order. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  const others = matchExpressions.map(({ key, operator, values = [] }) => {
    const list = `(${values.toSorted().join(',')})`
    return { In: `${key} in ${list}`, NotIn: `${key} notin ${list}`, Exists: key, DoesNotExist: `!${key}` }[operator]
  })
  return [...equal, ...others].toSorted().join(',')
}

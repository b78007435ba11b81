export { parseDuration } from './duration.ts'
export { filterFields, filterSpec } from './filter.ts'
export { findings } from './issues.ts'
export { formatPath } from './problem.ts'

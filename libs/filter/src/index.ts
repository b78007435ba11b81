export { type BuiltFilter, buildFilter, type Condition, meets } from './condition.ts'
export { FILTER_FAILED, NO_OUTCOME } from './judge.ts'
export { RouteIndex } from './route-index.ts'
export { type Filter, type FilterDeps, startFilter } from './start.ts'

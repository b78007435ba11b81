export { readSchedule, type Schedule } from './schedule.ts'
export { timezoneProblem } from './timezone.ts'

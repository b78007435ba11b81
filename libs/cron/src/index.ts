export { readSchedule, type Schedule } from './schedule.ts'
export { createTimetable, type Timetable } from './timetable.ts'
export { timezoneProblem } from './timezone.ts'
